/** Milliseconds between two rounds of new rows in each table, at the normal speed of the demo. */
export const EVERY_MS = 500;

/** A stream: a table that grows by some rows in every round. */
export interface StreamTable {
  /** The name of the stream. */
  readonly name: string;
  /** Columns of the stored table. `id` counts the rows from 1, and `_tp_time` is the time of the row. */
  readonly columns: string;
  /** The columns that a query sees. */
  readonly shown: string;
  /** Estimated size of a row in bytes. */
  readonly rowBytes: number;
  readonly rowsPerRound: number;
  /** Number of rows when the application starts. */
  readonly backlog: number;
  /** A SELECT of $3 rounds that begin $2 µs after 1970, when there are $1 rows. */
  readonly rounds: string;
}

const SENSORS = 10;
const VEHICLE_ROWS = 5;

/** Temperature and humidity of ten sensors. */
export const READINGS: StreamTable = {
  name: 'readings',
  columns: 'id BIGINT, sensor VARCHAR, temperature DOUBLE, humidity DOUBLE, _tp_time TIMESTAMP',
  shown: 'id, sensor, temperature, humidity, _tp_time',
  rowBytes: 41,
  rowsPerRound: SENSORS,
  backlog: 10_000,
  rounds: `SELECT $1 + ${SENSORS} * r + s, 'sensor-' || s,
    round(18 + s + 4 * sin(($1 + r) / 700.0 + s) + random(), 2),
    round(50 + 20 * cos(($1 + r) / 900.0 - s) + 2 * random(), 2),
    make_timestamp($2 + r * ${EVERY_MS * 1000})
  FROM range($3) rounds(r), range(1, ${SENSORS + 1}) sensors(s)`,
};

/** A vehicle, as in the documentation of Timeplus: whether it is in use, and its speed. */
export const IOT: StreamTable = {
  name: 'iot',
  columns: 'id BIGINT, in_use BOOLEAN, speed FLOAT, _tp_time TIMESTAMP',
  shown: 'in_use, speed',
  rowBytes: 5,
  rowsPerRound: VEHICLE_ROWS,
  backlog: 1000,
  rounds: `SELECT n, speed > 0, speed, made FROM (
    SELECT $1 + ${VEHICLE_ROWS} * r + s AS n,
      round(greatest(0, 40 + 45 * sin(($1 + ${VEHICLE_ROWS} * r + s) / 35.0 + 2.8) + 3 * random()), 1)::FLOAT AS speed,
      make_timestamp($2 + r * ${EVERY_MS * 1000}) AS made
    FROM range($3) rounds(r), range(1, ${VEHICLE_ROWS + 1}) steps(s))`,
};
