package radgate.fhir;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.StackTraceElementProxy;
import ch.qos.logback.core.LayoutBase;
import java.time.Instant;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes log lines without data from requests. Messages of HAPI and its libraries can quote search values and parts of
 * resources. A line therefore contains only the template of a message without its values, HAPI's error codes, and the
 * classes and stack frames of exceptions.
 */
public final class DiscreetLayout extends LayoutBase<ILoggingEvent> {
  private static final Pattern CODE = Pattern.compile("HAPI-\\d{4}");
  private static final int PLACES = 6;

  @Override
  public String doLayout(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(200);
    line.append(Instant.ofEpochMilli(event.getTimeStamp())).append(' ').append(event.getLevel()).append(' ');
    line.append(event.getLoggerName()).append(": ").append(template(event));
    appendCodes(line, event);
    line.append('\n');
    for (var error = event.getThrowableProxy(); error != null; error = error.getCause()) appendPlaces(line, error);
    return line.toString();
  }

  /**
   * Returns the template of a message. A message without parameters is withheld, because its text may already contain
   * values.
   */
  private static String template(ILoggingEvent event) {
    Object[] values = event.getArgumentArray();
    return values == null || values.length == 0 ? "(message withheld)" : event.getMessage();
  }

  private static void appendCodes(StringBuilder line, ILoggingEvent event) {
    var codes = new TreeSet<String>();
    collect(codes, event.getFormattedMessage());
    for (var error = event.getThrowableProxy(); error != null; error = error.getCause()) collect(codes, error.getMessage());
    for (String code : codes) line.append(' ').append(code);
  }

  private static void collect(TreeSet<String> codes, String text) {
    if (text == null) return;
    for (Matcher found = CODE.matcher(text); found.find(); ) codes.add(found.group());
  }

  private static void appendPlaces(StringBuilder line, IThrowableProxy error) {
    line.append("  ").append(error.getClassName()).append('\n');
    StackTraceElementProxy[] places = error.getStackTraceElementProxyArray();
    for (int i = 0; i < Math.min(PLACES, places.length); i++) line.append("    ").append(places[i].getSTEAsString()).append('\n');
  }
}
