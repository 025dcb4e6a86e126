import { RunState, parseRunRecord, type RunRecord } from './run-state.js';

const base = { node: 'n', from: 'e-0', orphans: false, host: 'h', startedAt: 1 };
const claim = (run: string, follows?: string, after?: string): RunRecord => ({
  ...{ is: 'claim', run, follows, ...base },
  ...(after !== undefined && { after }),
});
const alive = (run: string): RunRecord => ({ is: 'alive', run, ...base });
const ended = (run: string): RunRecord => ({
  ...{ is: 'ended', run, node: 'n', outcome: { status: 'completed' } },
  ...{ from: 'e-0', at: 'e-9' },
});
const stop = (run: string): RunRecord => ({ is: 'stop', run });

function after(...records: RunRecord[]) {
  const state = new RunState();
  const meant = records.map((record, n) => state.apply(record, `e-${n}`));
  return { state, meant };
}

describe('the state of a control channel', () => {
  it('assigns the ID to the first claim, and to no other one until that run has ended', () => {
    const { state, meant } = after(claim('a'), claim('b'), alive('a'), ended('b'));
    expect([state.current?.run, state.running, meant]).toEqual(['a', true, [true, false, true, false]]);
    const next = after(claim('a'), claim('b'), ended('a'), claim('b', 'a'));
    expect([next.state.current?.run, next.state.running]).toEqual(['b', true]);
  });

  it('ignores a claim that was written without knowing of the last end', () => {
    const { state, meant } = after(claim('a'), ended('a'), claim('b'), claim('c', 'x'), claim('d', 'a'));
    expect([state.current?.run, meant]).toEqual(['d', [true, true, false, false, true]]);
  });

  it('assigns the ID to a node that had read everything and found no record of the current run', () => {
    const forgotten = claim('c', undefined, 'e-1');
    for (const last of [alive('a'), ended('a')]) {
      const { state, meant } = after(claim('a'), last, forgotten, alive('a'), claim('d', undefined, 'e-1'));
      expect([state.current?.run, state.running, meant]).toEqual([
        'c',
        true,
        [true, true, true, false, false],
      ]);
    }
    // Those who claim here have not read the last record, or knew of the run.
    expect(after(claim('a'), alive('a'), claim('c', undefined, 'e-0')).state.current?.run).toBe('a');
    expect(after(claim('a'), alive('a'), claim('c', 'a', 'e-1')).state.current?.run).toBe('a');
    // Requests about a run do not show who owns it.
    expect(after(claim('a'), stop('a'), claim('c', undefined, 'e-0')).state.current?.run).toBe('c');
  });

  it('ends a run once, and ignores later records about it', () => {
    const { state, meant } = after(claim('a'), ended('a'), ended('a'), alive('a'), claim('a', 'a'));
    expect([state.running, meant]).toEqual([false, [true, true, false, false, false]]);
  });

  it('never treats a sign of life as a claim', () => {
    const { state, meant } = after(claim('a'), ended('a'), claim('b', 'a'), ended('b'), alive('a'));
    expect([state.current?.run, state.running, meant.at(-1)]).toEqual(['b', false, false]);
  });

  it('begins with any record that names a run, if older records were evicted', () => {
    const lone = after(ended('a'));
    expect([lone.state.current, lone.state.ended?.outcome]).toEqual([
      { run: 'a', from: 'e-0' },
      { status: 'completed' },
    ]);
    expect(after(stop('a'), claim('a')).state.running).toBe(true);
    expect(after(alive('a')).state.running).toBe(true);
  });

  it('needs proof for the first record that names a run, and for no other one', () => {
    const needs = (state: RunState) =>
      [claim('a'), alive('a'), ended('a'), stop('a')].map((record) => state.needsProof(record));
    const state = new RunState();
    expect(needs(state)).toEqual([true, true, true, false]);
    state.apply(claim('a'), 'e-0');
    expect(needs(state)).toEqual([false, false, false, false]);
    state.reset();
    expect([needs(state), state.running]).toEqual([[true, true, true, false], false]);
  });

  it('passes on a request to stop the current run', () => {
    expect(after(claim('a'), stop('b'), stop('a')).meant).toEqual([true, false, true]);
    expect(after(claim('a'), stop('a')).state.stopWanted).toBe(true);
    expect(after(claim('a'), stop('a'), ended('a'), claim('b', 'a')).state.stopWanted).toBe(false);
  });

  it('ignores foreign records in the channel', () => {
    const texts = ['', 'x', 'null', '5', '[]', '{}', '{"is":"alive"}', '{"is":"x","run":"a"}', undefined, {}];
    for (const text of texts) expect(parseRunRecord(text)).toBeUndefined();
    expect(parseRunRecord(JSON.stringify(stop('a')))).toEqual(stop('a'));
  });
});
