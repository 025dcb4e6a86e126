import 'reflect-metadata';
import { ConsoleLogger } from '@nestjs/common';
import { serveApiDocument } from './api-document.js';
import { createDemo } from './create-app.js';
import { readSettings } from './settings.js';

/** What the application says on the console, besides where it is. */
const LOG_LEVELS = ['fatal', 'error', 'warn'] as const;

try {
  const { adapter, host, port } = readSettings(process.env);
  const app = await createDemo(adapter, { logger: [...LOG_LEVELS] });
  serveApiDocument(app);
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  await app.init();
  // Nest would log a port in use as a second line.
  app.useLogger(false);
  await app.listen(port, host);
  // Levels alone would not bring back what was switched off.
  app.useLogger(new ConsoleLogger({ logLevels: [...LOG_LEVELS] }));
  console.log(`Demo on ${await app.getUrl()}`);
} catch (error) {
  console.error(reason(error));
  process.exit(1);
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
