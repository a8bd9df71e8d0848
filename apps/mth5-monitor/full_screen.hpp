#pragma once

#include <memory>
#include <optional>

#include "analysis/spectra/reference.hpp"
#include "mth5-monitor/follow.hpp"

namespace monitor {

struct ScreenOptions {
  bool color = true;
  bool ascii = false;
  std::shared_ptr<const analysis::Reference> reference = {};  ///< nullptr: typical curves
};

/// Whether standard input and output are a terminal that can show it: 80 x 24 at least, and TERM is not dumb.
[[nodiscard]] bool can_show_screen();

/// Shows the file on the whole terminal until q, Ctrl-C or a signal. Call hold_signals() and setlocale() before.
/// @returns the exit code; nullopt: ncurses does not know this terminal, and nothing was shown
[[nodiscard]] std::optional<int> full_screen(const FollowOptions& options, const ScreenOptions& screen);

}  // namespace monitor
