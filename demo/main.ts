import 'reflect-metadata';
import { ConsoleLogger, type INestApplication } from '@nestjs/common';
import { serveApiDocument } from './api-document.js';
import { createDemo } from './create-app.js';
import { Restart } from './live/restart.service.js';
import { PageFiles } from './pages/page-files.js';
import { readSettings, type Settings } from './settings.js';

/** Log levels that the application prints on the console, besides its address. */
const LOG_LEVELS = ['fatal', 'error', 'warn'] as const;

try {
  let settings = readSettings(process.env);
  for (let isFirst = true; ; isFirst = false) {
    const app = await start(settings);
    const url = await app.getUrl();
    // Builds the page now, so that the first visitor does not wait. An error is reported on the first request.
    void app
      .get(PageFiles)
      .find('index.html')
      .catch(() => undefined);
    // A restart uses the same port, also if the first one was any free port.
    settings = { ...settings, port: Number(new URL(url).port) };
    if (isFirst) console.log(greeting(url));
    else console.log('Restarted.');
    await app.get(Restart).requested;
    await app.close();
  }
} catch (error) {
  console.error(reason(error));
  process.exit(1);
}

async function start({ adapter, host, port }: Settings): Promise<INestApplication> {
  const app = await createDemo(adapter, { logger: [...LOG_LEVELS] });
  serveApiDocument(app);
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  await app.init();
  // Nest would print a second message for a port that is in use.
  app.useLogger(false);
  await app.listen(port, host);
  // The line above removed the logger, so setting the levels alone would not restore it.
  app.useLogger(new ConsoleLogger({ logLevels: [...LOG_LEVELS] }));
  return app;
}

function greeting(url: string): string {
  return [
    `Demo on ${url}`,
    `  Try:      curl -N ${url}/api/events`,
    `  Inspect:  ${url}/inspector`,
    '  Stop:     Ctrl+C',
  ].join('\n');
}

function reason(error: unknown): string {
  const { code, message, port, address } = error as NodeJS.ErrnoException & {
    port?: number;
    address?: string;
  };
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${address} is in use: set PORT to another one, or to 0 for any.`;
  return message;
}
