import { getDefaultHighWaterMark, setDefaultHighWaterMark } from 'node:stream';

/**
 * Sets the high-water mark of the streams that this suite makes, in bytes. The default of Node is 16 KiB up to version
 * 20 and 64 KiB from 22 on. A response is full when this much waits in it, so what overflows depends on it.
 */
export function setStreamMark(bytes: number): void {
  const standard = getDefaultHighWaterMark(false);
  beforeEach(() => setDefaultHighWaterMark(false, bytes));
  afterEach(() => setDefaultHighWaterMark(false, standard));
}
