package headrace;

import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One thing that a client does against the stack, and how long it may take. */
record Case(String name, Duration within, Body body) {
    private static final Duration USUALLY = Duration.ofSeconds(20);

    Case(String name, Body body) {
        this(name, USUALLY, body);
    }

    /** What a case does; it throws when something is not as it should be. */
    @FunctionalInterface
    interface Body {
        void run() throws Exception;
    }

    /** Runs it, prints how it went, and says whether it holds. A client that hangs is left behind on its own thread. */
    boolean holds() {
        FutureTask<Void> task = new FutureTask<>(() -> {
            body.run();
            return null;
        });
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        String reason;
        try {
            task.get(within.toMillis(), TimeUnit.MILLISECONDS);
            System.out.println("ok  " + name);
            return true;
        } catch (ExecutionException error) {
            reason = where(error.getCause());
        } catch (TimeoutException error) {
            reason = "not done after " + within.toSeconds() + " s, in " + first(thread.getStackTrace());
            thread.interrupt();
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            reason = "interrupted";
        }
        System.out.println("FAILED  " + name + ": " + reason.replace("\n", " "));
        return false;
    }

    private static String where(Throwable error) {
        String cause = error.getCause() == null ? "" : ", from " + error.getCause();
        return error + cause + " (" + first(error.getStackTrace()) + ")";
    }

    private static StackTraceElement first(StackTraceElement[] frames) {
        for (StackTraceElement frame : frames) {
            if (frame.getClassName().startsWith("headrace.")
                    && !frame.getClassName().equals(Expect.class.getName())) {
                return frame;
            }
        }
        return frames.length == 0 ? null : frames[0];
    }
}
