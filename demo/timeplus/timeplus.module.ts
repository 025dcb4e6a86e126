import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Engine } from './engine.service.js';
import { QueriesController } from './queries.controller.js';
import { Queries } from './queries.service.js';
import { Streams } from './streams.service.js';

/**
 * Streaming SQL over two tables that grow: `readings(id, sensor, temperature, humidity, _tp_time)` and
 * `iot(in_use, speed)`. As in Timeplus, the name alone means the stream. `SELECT … FROM readings` returns the rows that
 * arrive after it was sent, until its client leaves or its `LIMIT` is reached. `SELECT … FROM table(readings)` is
 * historical: it returns the stored rows and ends. A query that reads neither ends as well.
 *
 * A streaming query runs over each batch of new rows separately. With aggregates, `GROUP BY`, `DISTINCT`, windows or
 * `ORDER BY`, its whole result is sent every two seconds, over all rows since it was sent.
 */
@Module({
  controllers: [QueriesController],
  providers: [Pace, { provide: Engine, useFactory: () => Engine.start() }, Streams, Queries],
})
export class TimeplusModule {}
