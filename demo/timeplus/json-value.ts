import {
  DuckDBDecimalValue,
  JsonDuckDBValueConverter,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api';

/** Any decimal number of so many digits is a JavaScript number that is written with the same digits. */
const SAFE_DIGITS = 15;

/**
 * A value of the engine as JSON: a number where none of it is lost (else text: large integers, decimals, NaN), text for
 * dates, times and bytes, arrays and objects for what is nested, `null` for NULL.
 */
export const jsonValue: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value === 'bigint') return exact(value) ? Number(value) : String(value);
  if (value instanceof DuckDBDecimalValue) return decimal(value);
  return JsonDuckDBValueConverter(value, type, converter);
};

function exact(value: bigint): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
}

function decimal(value: DuckDBDecimalValue): Json {
  const digits = String(value.value).replace('-', '').length;
  return digits <= SAFE_DIGITS ? Number(value.toString()) : value.toString();
}
