import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Engine } from './engine.service.js';
import { GrowingTable } from './growing-table.js';
import { IOT, READINGS } from './stream-tables.js';

/** The streams that queries can read. */
@Injectable()
export class Streams implements OnModuleInit, BeforeApplicationShutdown {
  readonly #tables: ReadonlyMap<string, GrowingTable>;

  constructor(engine: Engine, pace: Pace) {
    this.#tables = new Map(
      [READINGS, IOT].map((table) => [table.name, new GrowingTable(table, engine.writer, pace)]),
    );
  }

  async onModuleInit(): Promise<void> {
    for (const table of this.#tables.values()) await table.start();
  }

  /** Runs before the engine is closed. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([...this.#tables.values()].map((table) => table.stop()));
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#tables.keys());
  }

  get(name: string): GrowingTable | undefined {
    return this.#tables.get(name);
  }
}
