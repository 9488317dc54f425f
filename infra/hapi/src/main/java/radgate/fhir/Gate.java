package radgate.fhir;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Set;

/**
 * Decides which requests are allowed. If a token is set, the request must present it (RFC 6750). If the server listens
 * on loopback only, the Host header must be a loopback name. This prevents DNS rebinding, in which a web page points
 * its own host name to 127.0.0.1. The capability statement needs no token, so that probes can read it.
 */
final class Gate implements Filter {
  private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "[::1]", "::1");

  private final Settings settings;
  private final byte[] expected;

  Gate(Settings settings) {
    this.settings = settings;
    this.expected = bytes("Bearer " + settings.token());
  }

  @Override
  public void doFilter(ServletRequest incoming, ServletResponse outgoing, FilterChain chain)
      throws IOException, ServletException {
    HttpServletRequest request = (HttpServletRequest) incoming;
    HttpServletResponse response = (HttpServletResponse) outgoing;
    if (settings.loopbackOnly() && !LOOPBACK.contains(request.getServerName())) {
      response.sendError(HttpServletResponse.SC_FORBIDDEN);
      return;
    }
    if (!isOpen(request) && !presentsToken(request)) {
      response.setHeader("WWW-Authenticate", "Bearer");
      response.sendError(HttpServletResponse.SC_UNAUTHORIZED);
      return;
    }
    chain.doFilter(request, response);
  }

  private static boolean isOpen(HttpServletRequest request) {
    return request.getMethod().equals("GET") && "/metadata".equals(request.getPathInfo());
  }

  private boolean presentsToken(HttpServletRequest request) {
    if (settings.token().isEmpty()) return true;
    String presented = request.getHeader("Authorization");
    return presented != null && MessageDigest.isEqual(expected, bytes(presented));
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
