import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';

/** Some kernels do not report the time of each thread in nanoseconds. */
const IS_EXACT = existsSync('/proc/self/schedstat');
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Whether `/proc` has the figures of a process. */
export function isSupported() {
  return existsSync('/proc/self/stat');
}

/** CPU time that a process has used so far, all threads, user and system, in microseconds. */
export function cpuMicros(pid) {
  if (IS_EXACT) return exactCpuMicros(pid);
  // The name in parentheses may contain spaces, so the fields are counted from its end (proc(5)). Times are in clock
  // ticks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / TICKS_PER_SECOND;
}

function exactCpuMicros(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
  }
  return nanoseconds / 1000;
}

/** Resident memory of a process, now and at its peak, in bytes. */
export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') };
}

/** Resets the peak of {@link residentBytes}. */
export function forgetPeak(pid) {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/**
 * The number of files, and so sockets, that a process of this user may open. Node raises the soft limit to the hard
 * one.
 */
export function openFileLimit() {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return hard === 'unlimited' ? Infinity : Number(hard);
}
