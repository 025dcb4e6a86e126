import 'reflect-metadata';
import { ConsoleLogger } from '@nestjs/common';
import { serveApiDocument } from './api-document.js';
import { createDemo } from './create-app.js';
import { readSettings } from './settings.js';

/** Log levels that the application prints on the console, besides its address. */
const LOG_LEVELS = ['fatal', 'error', 'warn'] as const;

try {
  const { adapter, host, port } = readSettings(process.env);
  const app = await createDemo(adapter, { logger: [...LOG_LEVELS] });
  serveApiDocument(app);
  app.enableShutdownHooks(undefined, { useProcessExit: true });
  await app.init();
  // Nest would print a second message for a port that is in use.
  app.useLogger(false);
  await app.listen(port, host);
  // The line above removed the logger, so setting the levels alone would not restore it.
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
