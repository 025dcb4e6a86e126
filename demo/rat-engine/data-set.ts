/** One generated row. */
export interface Row {
  readonly id: number;
  readonly name: string;
  readonly value: number;
}

/** Consecutive rows, as one event carries them. */
export interface RowChunk {
  readonly type: 'rows';
  /** The first row's id. */
  readonly offset: number;
  readonly rows: readonly Row[];
}

/** Small enough that making one is nothing that the rest of the process would notice. */
const ROWS_PER_CHUNK = 100;

/** `count` rows, of which no more than a chunk exists at a time. */
export function* dataSet(count: number): Generator<RowChunk, void, undefined> {
  for (let offset = 0; offset < count; offset += ROWS_PER_CHUNK) {
    const length = Math.min(ROWS_PER_CHUNK, count - offset);
    yield { type: 'rows', offset, rows: Array.from({ length }, (_, index) => row(offset + index)) };
  }
}

function row(id: number): Row {
  return { id, name: `row ${id}`, value: (id * 7919) % 1000 };
}
