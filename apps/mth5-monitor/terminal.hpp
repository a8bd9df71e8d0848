#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "view/keys.hpp"
#include "view/screen.hpp"

namespace monitor {

/// The terminal on standard input and output, by ncurses: whole screens out, keys in. What it was before comes back when this
/// ends, however it ends: destroyed, or by a signal of a crash. One at a time. Thread: one.
class Terminal {
 public:
  /// @returns nullptr where there is none that can show a screen: not a terminal, TERM=dumb or unknown
  [[nodiscard]] static std::unique_ptr<Terminal> open(bool color);
  virtual ~Terminal() = default;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] virtual int rows() const = 0;
  [[nodiscard]] virtual int columns() const = 0;
  /// Sends what differs from the screen before. @param all  everything, as the terminal may show something else
  /// @returns how long the line takes for it at 70 % of its speed; 0 where it has no speed that is known
  virtual std::chrono::nanoseconds draw(const view::Screen& screen, bool all) = 0;
  /// A key that was pressed, or nothing. Does not wait.
  [[nodiscard]] virtual std::optional<char32_t> key() = 0;
  /// Its size may be another one.
  virtual void resize() = 0;
  /// Gives it back to the shell, and takes it again, also where it was not given back.
  virtual void leave() = 0;
  virtual void come_back() = 0;

 protected:
  Terminal() = default;
};

/// What the terminal can show, by the locale's character set and TERM.
[[nodiscard]] view::Glyphs glyphs_of_terminal(bool ascii);

}  // namespace monitor
