#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

/// The notes of crash_writer as lines on its output, for a machine whose power is cut: each has left the machine before the
/// writer goes on, so that whoever reads it there knows what was promised at that moment.
extern "C" void crash_note(const char* text);  // declared weak by writer.cpp
extern "C" void crash_note(const char* text) {
  const std::string line = std::string{text} + "\n";
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t n = write(STDOUT_FILENO, line.data() + done, line.size() - done);
    if (n < 0) _exit(3);
    done += static_cast<std::size_t>(n);
  }
  if (isatty(STDOUT_FILENO) == 1) tcdrain(STDOUT_FILENO);
}
