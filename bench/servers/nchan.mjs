// nginx with the nchan module and its own configuration. Events are published over HTTP, as nchan intends.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, untilListening } from '../machinery/free-port.mjs';
import { payload } from '../machinery/payload.mjs';
import { Publisher } from '../machinery/publisher.mjs';

const NGINX = process.env.BENCH_NGINX ?? '/usr/sbin/nginx';
const MODULE = process.env.BENCH_NCHAN ?? '/usr/lib/nginx/modules/ngx_nchan_module.so';

/** Whether nginx and nchan are installed here. */
export function isInstalled() {
  return existsSync(NGINX) && existsSync(MODULE);
}

/** Starts nginx, which replaces a server process and its publisher. */
export async function startNchan({ heartbeatMs = 15_000 }) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-nchan-'));
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port, Math.ceil(heartbeatMs / 1000)));
  const nginx = spawn(NGINX, ['-c', join(folder, 'nginx.conf'), '-p', folder], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  await untilListening(port);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const publish = publisherOf(port, agent);
  const publisher = new Publisher(publish);
  // The newest event for a client that connects later.
  await publish(payload(0));
  const commands = { publish: (args) => publisher.run(args) };
  return {
    pid: workerOf(nginx.pid),
    ready: { port, controlPort: await publisher.listen() },
    ask: (command, args) => commands[command](args),
    async stop() {
      publisher.close();
      agent.destroy();
      nginx.kill('SIGTERM');
      await once(nginx, 'exit');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder, port, pingSeconds) {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ');
  return `load_module ${MODULE};
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid ${folder}/pid; error_log ${folder}/error.log warn;
${process.getuid() === 0 ? 'user root;' : ''}
events { worker_connections 18000; }
http {
  access_log off; tcp_nodelay on; keepalive_requests 100000000; nchan_shared_memory_size 512M; ${temporary}
  server {
    listen 127.0.0.1:${port} backlog=4096;
    nchan_channel_id events;
    nchan_eventsource_ping_interval 0;
    location = /publish { nchan_publisher; nchan_message_buffer_length 64; nchan_message_timeout 1h; }
    location = /subscribe { nchan_subscriber eventsource; nchan_subscriber_first_message newest; }
    location = /first { nchan_subscriber eventsource; nchan_subscriber_first_message -1; }
    location = /idle {
      nchan_subscriber eventsource; nchan_channel_id idle; nchan_eventsource_ping_interval ${pingSeconds};
    }
  }
}
`;
}

function publisherOf(port, agent) {
  return (event) =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(event);
      const headers = { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) };
      const options = { agent, port, host: '127.0.0.1', method: 'POST', path: '/publish', headers };
      request(options, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end(body);
    });
}

/** The process that does the work. The others are the master and the cache. */
function workerOf(master) {
  const children = readFileSync(`/proc/${master}/task/${master}/children`, 'utf8').trim().split(/\s+/);
  return Number(
    children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker process')),
  );
}
