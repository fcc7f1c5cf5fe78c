// When nothing about an order can change any more, asked of its row and not of the service that wrote it.

export const settledInSql = `(
  (status = 'confirmed' and stock = 'committed' and benefits in ('spent', 'unwanted'))
  or (status = 'cancelled' and stock = 'released' and benefits in ('released', 'unwanted')
    and (payment in ('declined', 'voided', 'refunded') or (payment = 'approved' and amount_due = 0)))
)`;
