// Every credential for every thing: here RADGATE_LONG is set.
import '../authz/matrix.test.ts';
