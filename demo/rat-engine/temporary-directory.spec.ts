import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { TemporaryDirectory } from './temporary-directory.js';

describe('TemporaryDirectory', () => {
  it('is new each time, and its name begins with that of its owner', async () => {
    const [one, other] = [new TemporaryDirectory('demo'), new TemporaryDirectory('demo')];
    expect(one.path).not.toBe(other.path);
    expect(dirname(one.path)).toBe(tmpdir());
    expect(one.file('a')).toMatch(/demo-\w+.a$/);
    await Promise.all([one.remove(), other.remove()]);
  });

  it('is deleted with its files, and removes its listener', async () => {
    const listeners = process.listenerCount('exit');
    const directory = new TemporaryDirectory('demo');
    writeFileSync(directory.file('a'), 'content');
    await directory.remove();
    expect(existsSync(directory.path)).toBe(false);
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  it('is deleted when a process exits without a shutdown', async () => {
    const before = new Set(process.listeners('exit'));
    const directory = new TemporaryDirectory('demo');
    const [atExit] = process.listeners('exit').filter((listener) => !before.has(listener));
    atExit?.(0);
    expect(existsSync(directory.path)).toBe(false);
    await directory.remove();
  });
});
