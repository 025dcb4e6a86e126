import { isTransient, replyCode } from './redis-errors.js';

describe('isTransient()', () => {
  it.each([
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'CLUSTERDOWN The cluster is down',
    'LOADING Redis is loading the dataset in memory',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'NOREPLICAS Not enough good replicas to write.',
    "OOM command not allowed when used memory > 'maxmemory'.",
    "READONLY You can't write against a read only replica.",
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'UNBLOCKED force unblock from blocking operation',
    'UNBLOCKED',
  ])('is true for a server that cannot execute commands now: %s', (text) => {
    expect(isTransient(new Error(text))).toBe(true);
    expect(isTransient({ replies: [new Error(text)] })).toBe(true);
  });

  it.each([
    'ERR unknown command',
    'NOAUTH Authentication required.',
    'NOPERM no permissions',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'STALEBATCH a later one was appended',
    'LOADINGS no such code',
  ])('is false for a command that will fail again: %s', (text) => {
    expect(isTransient(new Error(text))).toBe(false);
  });

  it('is true for a lost connection, and false for a mistake of the program', () => {
    expect(isTransient(new Error('Socket closed unexpectedly'))).toBe(true);
    expect(isTransient(new TypeError('x is undefined'))).toBe(false);
  });
});

describe('replyCode()', () => {
  it.each<[error: unknown, code: string | undefined]>([
    [new Error('READONLY no'), 'READONLY'],
    [new Error('READONLY'), 'READONLY'],
    [{ replies: [new Error('OOM no'), new Error('BUSY no')] }, 'OOM'],
    [{ replies: [] }, undefined],
    [new Error('Readonly no'), undefined],
    [new Error('A reply'), undefined],
    [new Error('NOT-A-CODE no'), undefined],
    ['READONLY no', undefined],
    [undefined, undefined],
  ])('of %p is %p', (error, code) => {
    expect(replyCode(error)).toBe(code);
  });
});
