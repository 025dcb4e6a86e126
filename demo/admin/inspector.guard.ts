import {
  ForbiddenException,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { nodeRequest, type FrameworkRequest } from '../rat-engine/node-request.js';
import { adminToken, isSame } from './admin-token.js';
import { isLocal } from './is-local.js';

/**
 * Admits browsers on the machine of the server, because the person who starts the demo may look at its streams. Others need the token in
 * `DEMO_ADMIN_TOKEN` as the password of HTTP authentication: the page of the inspector cannot send a header of its own.
 */
@Injectable()
export class InspectorGuard implements CanActivate {
  private readonly token = adminToken();

  constructor(private readonly host: HttpAdapterHost) {}

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = nodeRequest(http.getRequest<FrameworkRequest>());
    if (isLocal(request)) return true;
    if (this.token === '') {
      throw new ForbiddenException(
        'Only a browser on the machine of the server can open the inspector. Set DEMO_ADMIN_TOKEN to open it from elsewhere.',
      );
    }
    if (isSame(passwordOf(request.headers.authorization), this.token)) return true;
    this.host.httpAdapter.setHeader(http.getResponse(), 'WWW-Authenticate', 'Basic realm="Inspector"');
    throw new UnauthorizedException('The password is the token in DEMO_ADMIN_TOKEN, with any name.');
  }
}

function passwordOf(authorization = ''): string {
  const [, encoded = ''] = /^Basic +(\S+)$/i.exec(authorization) ?? [];
  const decoded = Buffer.from(encoded, 'base64').toString();
  return decoded.slice(decoded.indexOf(':') + 1);
}
