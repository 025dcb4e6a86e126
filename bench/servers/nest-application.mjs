import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Starts a Nest application on a free port. */
export async function startNest(adapter, metadata) {
  class Application {}
  Module(metadata)(Application);
  const app = await NestFactory.create(Application, await adapterOf(adapter), {
    logger: process.env.BENCH_LOG ? ['warn', 'error'] : false,
  });
  await app.listen(0, '127.0.0.1');
  return { app, port: app.getHttpServer().address().port };
}

async function adapterOf(name) {
  if (name === 'fastify') {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter();
  }
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  return new ExpressAdapter();
}
