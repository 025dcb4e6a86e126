import { appendFile, rename, stat, writeFile } from 'node:fs/promises';
import { Injectable, Logger, NotFoundException } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Pace } from '../pace.js';
import { logLine } from './log-line.js';
import { TemporaryDirectory } from './temporary-directory.js';

/** The services whose logs can be followed. */
export const LOGGED_SERVICES = ['api', 'worker', 'scheduler'] as const;
/** One of {@link LOGGED_SERVICES}. */
export type LoggedService = (typeof LOGGED_SERVICES)[number];

/** Milliseconds between two lines of a service, at normal speed. */
const LINE_EVERY_MS = 1000;
/** Size at which a log is rotated. */
const ROTATE_AT_BYTES = 1_048_576;

/** A position in a log file. */
export interface LogPosition {
  readonly path: string;
  /** Number of bytes before the position. */
  readonly offset: number;
}

/** Real log files in a folder of the application. Imaginary services write to them. */
@Injectable()
export class LogFiles implements OnModuleInit, OnApplicationShutdown {
  readonly #log = new Logger(LogFiles.name);
  readonly #stopping = new AbortController();
  readonly #directory = new TemporaryDirectory('rat-engine-logs');
  #writing: Promise<unknown> = Promise.resolve();

  constructor(private readonly pace: Pace) {}

  async onModuleInit(): Promise<void> {
    await Promise.all(LOGGED_SERVICES.map((service) => writeFile(this.#path(service), '')));
    this.#writing = Promise.all(LOGGED_SERVICES.map((service) => this.#write(service)));
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stopping.abort();
    await this.#writing;
    await this.#directory.remove();
  }

  /**
   * Finds the current end of the log of a service.
   *
   * @throws {NotFoundException} for any name that is not on the list.
   */
  async end(name: string): Promise<LogPosition> {
    const service = LOGGED_SERVICES.find((logged) => logged === name);
    if (service === undefined) throw new NotFoundException('There is no log of that service.');
    const path = this.#path(service);
    return { path, offset: (await stat(path)).size };
  }

  /** Adds lines to the log of a service in one write, so that a reader never sees half a line. */
  async append(service: LoggedService, ...lines: string[]): Promise<void> {
    await appendFile(this.#path(service), lines.map((line) => `${line}\n`).join(''));
  }

  #path(service: LoggedService): string {
    return this.#directory.file(`${service}.log`);
  }

  async #write(service: LoggedService): Promise<void> {
    const { signal } = this.#stopping;
    for (let number = 1; !signal.aborted; number++) {
      try {
        await this.append(service, logLine(number));
        await this.#rotate(service);
      } catch (error) {
        // For example, the disk is full. Later lines can be written again.
        this.#log.warn(`The log of ${service} was not written: ${(error as Error).message}`);
      }
      await this.pace.sleep(LINE_EVERY_MS, signal);
    }
  }

  async #rotate(service: LoggedService): Promise<void> {
    const path = this.#path(service);
    if ((await stat(path)).size < ROTATE_AT_BYTES) return;
    await rename(path, `${path}.1`);
    await writeFile(path, '');
  }
}
