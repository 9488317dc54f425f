package radgate.fhir;

import ca.uhn.fhir.rest.server.RestfulServer;
import jakarta.servlet.DispatcherType;
import java.util.EnumSet;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.SizeLimitHandler;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;

/**
 * A HAPI FHIR R4 server at {@code http://HOST:PORT/fhir}. On SIGTERM it finishes the running requests and closes the
 * database.
 */
public final class Server {
  static final int THREADS = 32;
  private static final long LARGEST_BODY = 64L << 20;
  /** The URL of a search can contain many identifiers, so the header limit is higher than Jetty's default. */
  private static final int LARGEST_HEADER = 64 << 10;
  private static final long STOP_PATIENCE_MS = 5_000;

  private Server() {}

  /** Runs until SIGTERM. If the server cannot start, prints the reason and ends with status 1. */
  public static void main(String[] arguments) {
    try {
      start(Settings.read());
    } catch (Exception error) {
      System.err.println("FHIR server not started: " + rootOf(error));
      // Threads that have already started would keep the process running, so halt() ends the process.
      Runtime.getRuntime().halt(1);
    }
  }

  private static void start(Settings settings) throws Exception {
    var context = new AnnotationConfigApplicationContext();
    context.registerBean(Settings.class, () -> settings);
    context.register(Rest.class);
    context.refresh();

    var jetty = new org.eclipse.jetty.server.Server(new QueuedThreadPool(THREADS));
    var http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setRequestHeaderSize(LARGEST_HEADER);
    var connector = new ServerConnector(jetty, new HttpConnectionFactory(http));
    connector.setHost(settings.host());
    connector.setPort(settings.port());
    jetty.addConnector(connector);
    var limit = new SizeLimitHandler(LARGEST_BODY, -1);
    limit.setHandler(handler(settings, context.getBean(RestfulServer.class)));
    jetty.setHandler(limit);
    jetty.setStopTimeout(STOP_PATIENCE_MS);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(jetty, context)));
    jetty.start();
  }

  private static ServletContextHandler handler(Settings settings, RestfulServer fhir) {
    var handler = new ServletContextHandler();
    handler.addFilter(new FilterHolder(new Gate(settings)), "/*", EnumSet.of(DispatcherType.REQUEST));
    handler.addServlet(new ServletHolder(fhir), "/fhir/*");
    return handler;
  }

  private static void stop(org.eclipse.jetty.server.Server jetty, AnnotationConfigApplicationContext context) {
    try {
      jetty.stop();
    } catch (Exception error) {
      System.err.println("FHIR server stopped with requests under way");
    } finally {
      context.close();
    }
  }

  private static Throwable rootOf(Throwable error) {
    return error.getCause() == null ? error : rootOf(error.getCause());
  }
}
