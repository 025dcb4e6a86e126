import { RunState, parseRunRecord, type RunRecord } from './run-state.js';

const claim = (run: string): RunRecord => ({ is: 'running', run, node: 'n', from: 'e-0', orphans: false });
const ended = (run: string): RunRecord => ({
  is: 'ended',
  run,
  outcome: { status: 'completed' },
  from: 'e-0',
  at: 'e-9',
});
const stop = (run: string): RunRecord => ({ is: 'stop', run });

function after(...records: RunRecord[]) {
  const state = new RunState();
  const meant = records.map((record) => state.apply(record));
  return { state, meant };
}

describe('what a control channel says', () => {
  it('gives the id to the first claim, and to no other until that run has ended', () => {
    const { state, meant } = after(claim('a'), claim('b'), claim('a'), ended('b'));
    expect([state.current?.run, state.running, meant]).toEqual(['a', true, [true, false, true, false]]);
    const next = after(claim('a'), claim('b'), ended('a'), claim('b'));
    expect([next.state.current?.run, next.state.running]).toEqual(['b', true]);
  });

  it('ends a run once; what is said of it afterwards means nothing', () => {
    const { state, meant } = after(claim('a'), ended('a'), ended('a'), claim('a'));
    expect([state.running, meant]).toEqual([false, [true, true, false, false]]);
  });

  it('is understood from the middle on, where the beginning is gone', () => {
    const lone = after(ended('a'));
    expect([lone.state.current, lone.state.ended?.outcome]).toEqual([
      { run: 'a', from: 'e-0' },
      { status: 'completed' },
    ]);
    expect(after(stop('a'), claim('a')).state.running).toBe(true);
  });

  it('passes a request to stop on to the run that it is for', () => {
    expect(after(claim('a'), stop('b'), stop('a')).meant).toEqual([true, false, true]);
  });

  it('may have in it what somebody else put there', () => {
    for (const text of [
      '',
      'x',
      'null',
      '5',
      '[]',
      '{}',
      '{"is":"running"}',
      '{"is":"x","run":"a"}',
      undefined,
      {},
    ])
      expect(parseRunRecord(text)).toBeUndefined();
    expect(parseRunRecord(JSON.stringify(stop('a')))).toEqual(stop('a'));
  });
});
