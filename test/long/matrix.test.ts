// RADGATE_LONG is set here, so the matrix uses every credential for every object.
import '../authz/matrix.test.ts';
