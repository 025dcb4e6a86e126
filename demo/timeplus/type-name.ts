const NAMES: ReadonlyMap<string, string> = new Map([
  ['BOOLEAN', 'bool'],
  ['TINYINT', 'int8'],
  ['SMALLINT', 'int16'],
  ['INTEGER', 'int32'],
  ['BIGINT', 'int64'],
  ['HUGEINT', 'int128'],
  ['UTINYINT', 'uint8'],
  ['USMALLINT', 'uint16'],
  ['UINTEGER', 'uint32'],
  ['UBIGINT', 'uint64'],
  ['UHUGEINT', 'uint128'],
  ['FLOAT', 'float32'],
  ['DOUBLE', 'float64'],
  ['VARCHAR', 'string'],
  ['TIMESTAMP', 'datetime64(6)'],
]);

/**
 * The name of a type of the engine, as Timeplus names it: `bool`, `float32`, `array(int64)`. A type that Timeplus does
 * not have keeps the name that the engine uses, in lower case.
 */
export function typeName(type: string): string {
  if (type.endsWith('[]')) return `array(${typeName(type.slice(0, -2))})`;
  return NAMES.get(type) ?? type.toLowerCase();
}
