import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { createStreamDocument } from 'nestjs-event-stream/swagger';

/** The OpenAPI document of the demo. Its version is 3.1, because Swagger UI does not show `itemSchema` of 3.2. */
export function apiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Streams of six systems')
    .setDescription('The demo of nestjs-event-stream.')
    .setVersion('0.1.0')
    .setOpenAPIVersion('3.1.0')
    .build();
  return createStreamDocument(app, config);
}

/** Serves Swagger UI at `/api-docs`, and the document at `/api-docs-json`. */
export function serveApiDocument(app: INestApplication): void {
  SwaggerModule.setup('api-docs', app, () => apiDocument(app));
}
