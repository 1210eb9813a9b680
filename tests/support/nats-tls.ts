/** Certificates for tests, made where they are used: none is kept that could expire. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { TlsFiles } from './nats-config.ts';

/** Makes a key and a certificate for this machine, good for two days. @throws {Error} where there is no openssl */
export function createTestCertificate(folder: string): TlsFiles {
  const keyFile = join(folder, 'server-key.pem');
  const certFile = join(folder, 'server-cert.pem');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  try {
    execFileSync('openssl', ['req', '-x509', ...key, ...names, '-days', '2', '-out', certFile], { stdio: 'pipe' });
  } catch (error) {
    throw new Error(`openssl made no certificate: ${(error as Error).message} Tests of TLS need it; install openssl.`, {
      cause: error,
    });
  }
  return { keyFile, certFile, caFile: certFile };
}
