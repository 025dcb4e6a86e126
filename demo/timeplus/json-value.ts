import {
  DuckDBDecimalValue,
  DuckDBTypeId,
  JsonDuckDBValueConverter,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api';

/** A decimal number with at most this many digits is a JavaScript number with the same digits. */
const SAFE_DIGITS = 15;

/**
 * Converts a value of the engine to JSON. A number stays a number if it keeps all digits, and otherwise becomes text, as
 * do NaN, dates, times and bytes. Nested values become arrays and objects. NULL becomes `null`.
 */
export const jsonValue: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (typeof value === 'bigint') return exact(value) ? Number(value) : String(value);
  if (value instanceof DuckDBDecimalValue) return decimal(value);
  if (typeof value === 'number' && type.typeId === DuckDBTypeId.FLOAT && Number.isFinite(value)) {
    return shortest(value);
  }
  return JsonDuckDBValueConverter(value, type, converter);
};

function exact(value: bigint): boolean {
  return value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
}

/** The shortest number that is the same 32-bit number: 70.9 and not 70.9000015258789. */
function shortest(value: number): number {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

function decimal(value: DuckDBDecimalValue): Json {
  const digits = String(value.value).replace('-', '').length;
  return digits <= SAFE_DIGITS ? Number(value.toString()) : value.toString();
}
