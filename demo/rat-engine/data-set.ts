/** One generated row. */
export interface Row {
  readonly id: number;
  readonly name: string;
  readonly value: number;
}

/** Consecutive rows in one event. */
export interface RowChunk {
  readonly type: 'rows';
  /** Id of the first row. */
  readonly offset: number;
  readonly rows: readonly Row[];
}

/** Small enough that creating a chunk does not delay the rest of the process. */
const ROWS_PER_CHUNK = 100;

/** Generates `count` rows. Only one chunk exists at a time. */
export function* dataSet(count: number): Generator<RowChunk, void, undefined> {
  for (let offset = 0; offset < count; offset += ROWS_PER_CHUNK) {
    const length = Math.min(ROWS_PER_CHUNK, count - offset);
    yield { type: 'rows', offset, rows: Array.from({ length }, (_, index) => row(offset + index)) };
  }
}

function row(id: number): Row {
  return { id, name: `row ${id}`, value: (id * 7919) % 1000 };
}
