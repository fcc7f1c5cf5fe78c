// The README with its tables of settings as the code has them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { settingTable } from "@quadrille/process/config";
import { serviceSettings } from "@quadrille/process/service-config";
import { settings as gateway } from "../../services/gateway/src/config.ts";
import { settings as order } from "../../services/order/src/config.ts";
import { settings as payment } from "../../services/payment/src/config.ts";
import { settings as product } from "../../services/product/src/config.ts";

const tables = { service: serviceSettings(7001), order, product, payment, gateway };

export const readmePage = () =>
  withSettingTables(readFileSync(join(import.meta.dirname, "../../README.md"), "utf8"));

/** The text with each table between its marks written anew. */
export function withSettingTables(text: string): string {
  return Object.entries(tables).reduce((written, [name, settings]) => {
    const marks = new RegExp(`(<!-- settings: ${name} -->\n)[^]*?(<!-- /settings -->)`);
    if (!marks.test(written)) throw new Error(`there is no place for the settings of ${name}`);
    return written.replace(marks, (_, begin, end) => `${begin}${settingTable(settings)}\n${end}`);
  }, text);
}
