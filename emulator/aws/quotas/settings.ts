import * as v from 'valibot';
import { validateJson } from '../validate.ts';
import { quotaClasses, quotaTable, type QuotaClass, type QuotaName, type QuotaRow, type QuotaValues } from './table.ts';

const names = Object.keys(quotaTable) as QuotaName[];

const above0 = v.pipe(v.number('expected a number'), v.gtValue(0, 'expected more than 0'));
const whole = v.pipe(above0, v.integer('expected a whole number'));

function valueSchema(name: QuotaName): typeof above0 | typeof whole {
  return quotaTable[name].kind === 'rate' ? above0 : whole;
}

const quotasSchema = v.strictObject(
  {
    class: v.optional(v.picklist(quotaClasses, `expected one of ${quotaClasses.join(', ')}`), 'us-east-1'),
    factor: v.optional(v.pipe(above0, v.maxValue(1, 'expected at most 1')), 1),
    values: v.optional(
      v.strictObject(
        Object.fromEntries(names.map((name) => [name, v.optional(valueSchema(name))])) as Record<
          QuotaName,
          v.OptionalSchema<typeof above0, undefined>
        >,
        (issue) => `found ${issue.received}, expected the name of a quota with its number`,
      ),
      {},
    ),
  },
  (issue) => `found ${issue.received}, expected class, factor and values`,
);

/** What a quotas file holds: a class of accounts, a factor, and single numbers. */
export type QuotaSettings = v.InferInput<typeof quotasSchema>;

/**
 * Reads the text of a quotas file, such as
 * `{"class": "other-regions", "factor": 0.01, "values": {"lambdaConcurrency": 3}}`.
 * @param what names the file in messages
 * @throws EmulatorError `InvalidInput` that names every wrong field
 */
export function parseQuotas(text: string, what: string): QuotaValues {
  return quotaValues(validateJson(quotasSchema, text, what));
}

/**
 * The numbers in force: those of the class, times the factor; a number of `values` replaces one as it is written.
 */
export function quotaValues({ class: of = 'us-east-1', factor = 1, values = {} }: QuotaSettings): QuotaValues {
  return Object.fromEntries(
    names.map((name) => [name, values[name] ?? scaled(quotaTable[name], of, factor)]),
  ) as Record<QuotaName, number>;
}

function scaled(row: QuotaRow, of: QuotaClass, factor: number): number {
  const elsewhere = row.otherRegions ?? row.value;
  const value = of === 'us-east-1' ? row.value : of === 'new-account' ? (row.newAccount ?? elsewhere) : elsewhere;
  if (row.kind === 'fixed') return value;
  return row.kind === 'rate' ? value * factor : Math.max(1, Math.round(value * factor));
}
