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
 * Who may come in: with a token set, those who present it (RFC 6750); on loopback, those who ask for a loopback name. The
 * latter keeps out web pages whose own host name was pointed at 127.0.0.1. The capability statement is open: it tells
 * that the server is up.
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
