#pragma once

#include <string_view>
#include <vector>

#include "view/page.hpp"

/// What keys do. Thread: pure functions of values.
namespace view {

/// Keys that are no character; characters are their code.
enum Key : char32_t {
  kUp = 0x110001,
  kDown,
  kLeft,
  kRight,
  kTab,
  kBackTab,
  kHome,
  kEnd,
  kPageUp,
  kPageDown,
  kEnter,
  kBackspace,
  kEscape,
  kHelp,
  kCtrlL = 0x0c
};

/// What the program has to do for a key.
enum class Action { Nothing, Draw, Redraw, Save, Quit };

/// @param now  for what begins with the key
Action press(char32_t key, const Page& page, Ui& ui, mth5::UtcNanos now);

/// For the help page.
struct KeyHelp {
  std::string_view keys, meaning;
};
[[nodiscard]] const std::vector<KeyHelp>& key_help();

}  // namespace view
