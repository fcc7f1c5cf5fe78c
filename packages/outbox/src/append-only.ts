// Keeps a ledger as it was written: its database refuses to change or delete a line, whoever asks.
//
// A superuser, or the table's owner, can switch that off first; then the audit compares the ledger with what it explains.

/** For a migration. Once for a statement, and never for an INSERT: what is right costs nothing. */
export const appendOnly = (table: string): readonly string[] => [
  `create function quadrille_append_only() returns trigger
   language plpgsql as $$
   begin
     raise restrict_violation using
       message = format('%s is a ledger: nobody may %s it', tg_table_name, tg_op), constraint = tg_name;
   end $$`,
  `create trigger ${table}_append_only before update or delete or truncate on ${table}
   for each statement execute function quadrille_append_only()`,
];

/** Undoes it. */
export const notAppendOnly = (table: string): readonly string[] => [
  `drop trigger ${table}_append_only on ${table}`,
  "drop function quadrille_append_only",
];
