/*
 * Loaded before Orthanc in the local stack. Written without headers, so that any C compiler makes it.
 *
 * 1. Debian's Orthanc gives its HTTP threads a stack of 100 KiB: transcoding JPEG 2000 or storing deeply nested
 *    sequences then kills the process. Raise it to 8 MiB.
 * 2. Orthanc 1.12.7 binds its HTTP and DICOM ports to every address and has no option for it. Bind to loopback.
 */
extern void *dlsym(void *handle, const char *name);

#define NEXT ((void *)-1L)
#define ENOUGH (8UL * 1024 * 1024)

int pthread_attr_setstacksize(void *attributes, unsigned long size) {
  int (*next)(void *, unsigned long) = dlsym(NEXT, "pthread_attr_setstacksize");
  return next(attributes, size < ENOUGH ? ENOUGH : size);
}

struct ipv4 {
  unsigned short family;
  unsigned char port[2], address[4], zero[8];
};

int bind(int socket, const void *address, unsigned int length) {
  int (*next)(int, const void *, unsigned int) = dlsym(NEXT, "bind");
  const struct ipv4 *asked = address;
  struct ipv4 loopback;
  if (asked->family != 2 /* AF_INET */ || length < sizeof loopback) return next(socket, address, length);
  loopback = *asked;
  loopback.address[0] = 127;
  loopback.address[1] = 0;
  loopback.address[2] = 0;
  loopback.address[3] = 1;
  return next(socket, &loopback, sizeof loopback);
}
