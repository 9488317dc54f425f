import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';

const environment = process.env;
const secret = '/run/secrets/spring.datasource.password';
const imported = (environment.SPRING_CONFIG_IMPORT ?? '').includes('configtree:/run/secrets/');
const password =
  environment.SPRING_DATASOURCE_PASSWORD ??
  (imported && existsSync(secret) ? readFileSync(secret, 'utf8').trimEnd() : '');
const java = spawn(
  'java',
  [
    '-Dfhir.host=127.0.0.1',
    '-Dfhir.port=8081',
    '-cp',
    '/app/radgate-fhir.jar:/app/lib/*',
    'radgate.fhir.Server',
  ],
  {
    stdio: 'inherit',
    env: {
      ...environment,
      FHIR_DATABASE_URL: environment.SPRING_DATASOURCE_URL,
      FHIR_DATABASE_USER: environment.SPRING_DATASOURCE_USERNAME,
      FHIR_DATABASE_PASSWORD: password,
    },
  },
);
java.once('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => java.kill('SIGTERM'));

createServer((incoming, outgoing) => {
  const path = incoming.url === '/actuator/health' ? '/fhir/metadata?_summary=true' : incoming.url;
  const headers = { ...incoming.headers, host: '127.0.0.1:8081' };
  const passed = request(
    { port: 8081, host: '127.0.0.1', method: incoming.method, path, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  passed.once('error', () => outgoing.writeHead(503).end());
  incoming.pipe(passed);
}).listen(8080);
