package headrace;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Callable;

/** What a case expects; what is otherwise fails it, in words. */
final class Expect {
    private static final Duration POLL = Duration.ofMillis(50);

    private Expect() {}

    static void that(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError("expected that " + what);
        }
    }

    static void equal(String what, Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new AssertionError(what + ": expected " + expected + ", found " + found);
        }
    }

    /** The error that {@code body} ends with, which has to be of this class, or to have such a cause. */
    static <E extends Throwable> E error(Class<E> kind, Case.Body body) {
        try {
            body.run();
        } catch (Throwable thrown) {
            for (Throwable error = thrown; error != null; error = error.getCause()) {
                if (kind.isInstance(error)) {
                    return kind.cast(error);
                }
            }
            throw new AssertionError("expected " + kind.getSimpleName() + ", found " + thrown, thrown);
        }
        throw new AssertionError("expected " + kind.getSimpleName() + ", and there was no error");
    }

    /** Waits until something holds; the case's own deadline ends it sooner if that is nearer. */
    static void soon(String what, Callable<Boolean> holds) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!holds.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("still not so after 30 s: " + what);
            }
            Thread.sleep(POLL.toMillis());
        }
    }
}
