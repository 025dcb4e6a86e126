import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { eventually, pause, type Fault } from './fault.js';
import { request, type Lab } from './lab.js';

const SERVER = '10.9.0.1';
const CLIENT = '10.9.0.2';
/** How often the kernel repeats unacknowledged bytes. Its default, 15, takes a quarter of an hour. */
const RETRIES = 5;

/** Whether network namespaces can be created: on Linux, as root, with the tools of iproute2 and util-linux. */
export function canMakeNetworks(): boolean {
  try {
    execFileSync('unshare', ['--net', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' });
    execFileSync('nsenter', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Runs a program in the network of a process. */
function within(pid: number, program: string, ...args: string[]): void {
  execFileSync('nsenter', ['--target', String(pid), '--net', program, ...args], { stdio: 'ignore' });
}

/** A separate machine, connected to the server's by a cable. */
async function machine(lab: Lab): Promise<ChildProcess> {
  const client = spawn(
    'unshare',
    ['--net', process.execPath, '-e', CLIENT_PROGRAM, SERVER, String(lab.port)],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const pid = client.pid ?? 0;
  await pause(500);
  within(lab.pid, 'ip', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
  within(lab.pid, 'ip', 'link', 'set', 'v1', 'netns', String(pid));
  within(lab.pid, 'ip', 'addr', 'add', `${SERVER}/24`, 'dev', 'v0');
  within(lab.pid, 'ip', 'link', 'set', 'v0', 'up');
  within(pid, 'ip', 'addr', 'add', `${CLIENT}/24`, 'dev', 'v1');
  within(pid, 'ip', 'link', 'set', 'v1', 'up');
  return client;
}

const CLIENT_PROGRAM = `
  process.stdin.once('data', (request) => {
    const socket = require('node:net').connect(Number(process.argv[2]), process.argv[1]);
    socket.on('data', () => process.stdout.write('.'));
    socket.on('error', () => undefined);
    socket.write(request);
  });
`;

function halfOpen(what: string, heartbeat: number | false, withinMs: number): Fault {
  return {
    name: `a cable that is pulled, ${what}`,
    options: { heartbeat },
    alone: true,
    async run(lab) {
      const client = await machine(lab);
      try {
        within(lab.pid, 'sysctl', '-q', '-w', `net.ipv4.tcp_retries2=${RETRIES}`);
        const answered = new Promise((resolve) => client.stdout?.once('data', resolve));
        client.stdin?.write(request('/silent'));
        await answered;
        within(client.pid ?? 0, 'ip', 'link', 'set', 'v1', 'down');
        const start = performance.now();
        const gone = async (): Promise<boolean> => (await lab.stats()).connections === 0;
        await eventually('the client is found gone', gone, withinMs);
        return `found gone after ${((performance.now() - start) / 1000).toFixed(1)} s`;
      } finally {
        client.kill('SIGKILL');
      }
    },
  };
}

export const pulledBesideHeartbeat = halfOpen(
  `found by heartbeats of 1 s (tcp_retries2: ${RETRIES})`,
  1000,
  60_000,
);
export const pulledInSilence = halfOpen('found by TCP keep-alive', false, 60_000);
