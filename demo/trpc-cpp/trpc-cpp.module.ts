import { Module } from '@nestjs/common';
import { TrpcCppController } from './trpc-cpp.controller.js';

/** An RPC framework's streaming example: ten events, and a client program that prints them. */
@Module({ controllers: [TrpcCppController] })
export class TrpcCppModule {}
