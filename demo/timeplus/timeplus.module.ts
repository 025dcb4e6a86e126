import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Engine } from './engine.service.js';
import { QueriesController } from './queries.controller.js';
import { Queries } from './queries.service.js';
import { SensorReadings } from './sensor-readings.service.js';

/**
 * Streaming SQL over a table of sensor readings that keeps growing: `readings(id, sensor, temperature, humidity,
 * _tp_time)`. As in Timeplus, the name of a stream alone is the stream: `SELECT … FROM readings` answers with the rows
 * that arrive after it was sent, batch by batch, until its client leaves or its `LIMIT` is reached.
 * `SELECT … FROM table(readings)` is historical: it answers with what is stored, and ends; so does a query that reads
 * neither.
 *
 * A streaming query is answered for each batch of new rows by itself. One that gathers rows (aggregates, `GROUP BY`,
 * `DISTINCT`, windows, `ORDER BY`) is answered as a whole every two seconds, over all rows since it was sent.
 */
@Module({
  controllers: [QueriesController],
  providers: [Pace, { provide: Engine, useFactory: () => Engine.start() }, SensorReadings, Queries],
})
export class TimeplusModule {}
