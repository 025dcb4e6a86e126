import { memoryLog } from 'nestjs-event-stream';
import { RunControl } from './run-control.js';

const claim = (run: string, follows?: string) =>
  ({ is: 'claim', run, follows, node: 'n', from: 'e-0', orphans: false, host: 'h', startedAt: 1 }) as const;
const ended = (run: string) =>
  ({ is: 'ended', run, node: 'n', outcome: { status: 'completed' }, from: 'e-0', at: 'e-0' }) as const;
const alive = (run: string) => ({ ...claim(run), is: 'alive' }) as const;

function open(maxEvents: number) {
  const log = memoryLog({ maxEvents });
  return { log, control: () => new RunControl(log, 'r') };
}

describe('a control channel', () => {
  it('resets its state when unread records were evicted, and continues with records that have proof', async () => {
    const { control } = open(2);
    const [early, writer] = [control(), control()];
    await writer.catchUp();
    await writer.append(claim('a'));
    for (const each of [early, writer]) await each.catchUp();
    expect(early.state.current?.run).toBe('a');
    for (const record of [ended('a'), claim('b', 'a'), alive('b')]) {
      await writer.append(record);
      await writer.catchUp();
    }
    await early.catchUp();
    expect([early.state.current?.run, early.state.running]).toEqual(['b', true]);
  });

  it.each([alive('a'), claim('a'), ended('a')])(
    'reports nothing on $is after the log has evicted earlier records',
    async (late) => {
      const { control } = open(2);
      const [old, next] = [control(), control()];
      for (const each of [old, next]) await each.catchUp();
      await next.append(claim('b'));
      await next.catchUp();
      await next.append(ended('b'));
      await next.catchUp();
      // Up to here the records show that it is late. From here on only the log can show it.
      await old.append(late);
      const reader = control();
      await reader.catchUp();
      expect(reader.state.current?.run).not.toBe('a');
      await old.append(late);
      const later = control();
      await later.catchUp();
      expect(later.state.current).toBeUndefined();
    },
  );

  it('is not audible while its log fails, is down, or takes too long', async () => {
    const { log, control } = open(10);
    let now = 0;
    const clock = { now: () => now } as never;
    const listening = control();
    expect(await listening.answersInTime(clock, 100)).toBe(true);
    const slow = listening.answersInTime(clock, 100);
    now = 100;
    expect(await slow).toBe(false);
    log.close();
    expect(await listening.answersInTime(clock, 100)).toBe(false);
    log.health = () => ({ status: 'up' });
    expect(await listening.answersInTime(clock, 100)).toBe(false);
  });
});
