#include "view/keys.hpp"

#include <algorithm>

namespace view {

const std::vector<KeyHelp>& key_help() {
  static const std::vector<KeyHelp> all{
      {"5 6", "views: timing, health"},
      {"? h F1", "this page; the same key or Esc leaves it"},
      {"j k, up down", "scroll a list that is longer than the screen"},
      {"g G", "first and last of the list"},
      {"Space", "freeze the view; the header goes on, and says FROZEN"},
      {"s", "save the screen as text into a new file in this directory"},
      {"Ctrl-L", "draw all again"},
      {"Ctrl-Z", "suspend; fg comes back"},
      {"q, Ctrl-C", "quit"},
  };
  return all;
}

void draw_help(Screen& screen, int top) {
  int row = top;
  for (const auto& [keys, meaning] : key_help()) {
    screen.put(row, 2, keys, Ink::Title);
    screen.put(row++, 18, meaning);
  }
  screen.put(row + 1, 2, "Signs, beside colours:  OK good   ! warning   X critical   ? not known", Ink::Plain);
}

Action press(char32_t key, const Page& page, Ui& ui, mth5::UtcNanos now) {
  for (const auto& view : views())
    if (key == U'0' + static_cast<char32_t>(view.number)) {
      if (ui.view != view.number) ui.scroll = 0;
      ui.view = view.number;
      ui.help = false;
      return Action::Draw;
    }
  constexpr int kPage = 10, kFar = 1 << 20;
  const auto scroll = [&](int by) {
    ui.scroll = std::clamp(ui.scroll + by, 0, static_cast<int>(page.gaps.size()) + 100);
    return Action::Draw;
  };
  switch (key) {
    case U'q':
      return Action::Quit;
    case U'?':
    case U'h':
    case kHelp:
      ui.help = !ui.help;
      return Action::Draw;
    case kEscape:
      ui.help = false;
      return Action::Draw;
    case U'j':
    case kDown:
      return scroll(1);
    case U'k':
    case kUp:
      return scroll(-1);
    case kPageDown:
      return scroll(kPage);
    case kPageUp:
      return scroll(-kPage);
    case U'g':
    case kHome:
      return scroll(-kFar);
    case U'G':
    case kEnd:
      return scroll(kFar);
    case U' ':
      if (ui.frozen)
        ui.frozen.reset();
      else
        ui.frozen = now;
      return Action::Draw;
    case U's':
      return Action::Save;
    case kCtrlL:
      return Action::Redraw;
    default:
      return Action::Nothing;
  }
}

}  // namespace view
