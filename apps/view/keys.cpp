#include "view/keys.hpp"

#include <algorithm>

namespace view {

const std::vector<KeyHelp>& key_help() {
  static const std::vector<KeyHelp> all{
      {"1 to 6", "traces, spectra, spectrogram, quality, timing, health"},
      {"? h F1", "this page; the same key or Esc leaves it"},
      {"Tab, j k, up down", "views 1 to 3: the channel; elsewhere: scroll a long list"},
      {"+ -", "views 1, 3: a shorter or longer time, 10 s to 7 days"},
      {"left right", "views 1, 3: back and forth by a quarter of that time"},
      {"n N", "views 1, 3: next and previous gap, or step of the clock"},
      {"g G, Home End", "first and last: of the samples, of the list"},
      {"a d", "1, 3: fixed scale or auto; 1: no trend, first differences"},
      {"l r", "2, 3: frequencies log or linear; 2: the typical range"},
      {"u", "views 1 to 3: units as stored (counts), or physical"},
      {"/", "channels with this in their name; Enter ends, Esc shows all"},
      {"mouse", "click the name of a view; the wheel is up and down"},
      {"Space", "freeze the view; the header goes on, and says FROZEN"},
      {"s  Ctrl-L", "save the screen as text in a new file here; draw all again"},
      {"Ctrl-Z  q Ctrl-C", "suspend; quit"},
      {"OK ! X ?", "good, warning, critical, not known; colours say the same"},
  };
  return all;
}

int help_ends(int top) { return top + static_cast<int>(key_help().size()); }

void draw_help(Screen& screen, int top) {
  int row = top;
  for (const auto& [keys, meaning] : key_help()) {
    screen.put(row, 2, keys, Ink::Title);
    screen.put(row++, 21, meaning);
  }
}

namespace {

/// Keys of the filter while it is typed.
Action type(char32_t key, Ui& ui) {
  if (key == kEnter) {
    ui.typing = false;
  } else if (key == kEscape) {
    ui.typing = false;
    ui.filter.clear();
  } else if (key == kBackspace) {
    if (!ui.filter.empty()) ui.filter.pop_back();
  } else if (key > U' ' && key < 0x7f && ui.filter.size() < 20) {
    ui.filter += static_cast<char>(key);
  } else {
    return Action::Nothing;
  }
  ui.channel = 0;
  return Action::Draw;
}

/// Moves the end of the plot; at the newest sample it follows again.
void end_at(mth5::UtcNanos end, const Page& page, Ui& ui) {
  const auto window = windows()[ui.window];
  const auto start = page.traces->start(), newest = page.traces->end();
  if (!start || !newest) return;
  end = std::max(end, std::min(*start + window, *newest));
  if (end >= *newest && !ui.frozen)
    ui.end.reset();
  else
    ui.end = std::min(end, *newest);
}

/// To the gap behind or before the middle of the plot.
void to_gap(bool next, const Page& page, Ui& ui) {
  const auto end = end_of_plot(page, ui);
  if (!end) return;
  const auto half = windows()[ui.window] / 2;
  const auto middle = *end - half;
  const analysis::Gap* found = nullptr;
  for (const auto& gap : page.gaps) {
    if (next && gap.start > middle + std::chrono::milliseconds{1} && found == nullptr) found = &gap;
    if (!next && gap.start < middle - std::chrono::milliseconds{1}) found = &gap;
  }
  if (found != nullptr) end_at(found->start + half, page, ui);
}

/// Keys that go to the next or the previous of so many channels. @returns false: it is none of them
bool choose_channel(char32_t key, int channels, Ui& ui) {
  const bool next = key == U'j' || key == kDown || key == kTab;
  if (!next && key != U'k' && key != kUp && key != kBackTab) return false;
  ui.channel = channels > 0 ? (std::clamp(ui.channel, 0, channels - 1) + (next ? 1 : -1) + channels) % channels : 0;
  return true;
}

/// Keys of the spectra. @returns Action::Nothing: it is none of them
Action press_spectra(char32_t key, const Page& page, Ui& ui) {
  int channels = 0;
  for (const auto& station : page.spectra)
    channels += static_cast<int>(std::count_if(station->channels().begin(), station->channels().end(),
                                               [&](const auto& one) { return page.shows(one.component); }));
  if (choose_channel(key, channels, ui)) return Action::Draw;
  switch (key) {
    case U'u':
      ui.physical = !ui.physical;
      break;
    case U'r':
      ui.reference = !ui.reference;
      break;
    case U'l':
      ui.linear = !ui.linear;
      break;
    case U'/':
      ui.typing = true;
      break;
    default:
      return Action::Nothing;
  }
  return Action::Draw;
}

/// Keys of the traces, and of the spectrogram, which is of the same channels and times. @returns Action::Nothing: it is none of
/// them
Action press_traces(char32_t key, const Page& page, Ui& ui) {
  if (page.traces == nullptr) return Action::Nothing;
  if (choose_channel(key, static_cast<int>(filtered(page, ui).size()), ui)) return Action::Draw;
  const auto move = [&](int quarters) {
    if (const auto end = end_of_plot(page, ui))
      end_at(*end + quarters * std::chrono::nanoseconds{windows()[ui.window]} / 4, page, ui);
  };
  switch (key) {
    case U'+':
    case U'=':
      ui.window = ui.window > 0 ? ui.window - 1 : 0;
      break;
    case U'-':
      ui.window = std::min(ui.window + 1, windows().size() - 1);
      break;
    case kLeft:
      move(-1);
      break;
    case kRight:
      move(1);
      break;
    case kPageUp:
      move(-4);
      break;
    case kPageDown:
      move(4);
      break;
    case U'g':
    case kHome:
      if (const auto start = page.traces->start()) end_at(*start, page, ui);
      break;
    case U'G':
    case kEnd:
      if (const auto end = page.traces->end()) end_at(*end, page, ui);
      break;
    case U'n':
      to_gap(true, page, ui);
      break;
    case U'N':
      to_gap(false, page, ui);
      break;
    case U'l':
      if (ui.view != 3) return Action::Nothing;
      ui.linear = !ui.linear;
      break;
    case U'a':
      if (ui.view == 3)
        ui.shades = ui.shades ? std::nullopt : shades_of(page, ui);
      else if (ui.scales)
        ui.scales.reset();
      else
        ui.scales = scales_of(page, ui);
      break;
    case U'u':
      ui.physical = !ui.physical;
      ui.scales.reset();
      ui.shades.reset();
      break;
    case U'd':
      if (ui.view == 1) {  // as they are, without their trend, differences
        const bool was = ui.detrend;
        ui.detrend = !was && !ui.differences;
        ui.differences = was;
      } else {
        ui.detrend = !ui.detrend;
      }
      ui.scales.reset();
      ui.shades.reset();
      break;
    case U'/':
      ui.typing = true;
      break;
    default:
      return Action::Nothing;
  }
  return Action::Draw;
}

}  // namespace

Action press(char32_t key, const Page& page, Ui& ui, mth5::UtcNanos now) {
  if (ui.typing) return type(key, ui);
  for (const auto& view : views())
    if (key == U'0' + static_cast<char32_t>(view.number)) {
      if (ui.view != view.number) ui.scroll = 0;
      ui.view = view.number;
      ui.help = false;
      return Action::Draw;
    }
  if (ui.view == 2 && !ui.help)
    if (const auto action = press_spectra(key, page, ui); action != Action::Nothing) return action;
  if ((ui.view == 1 || ui.view == 3) && !ui.help)
    if (const auto action = press_traces(key, page, ui); action != Action::Nothing) return action;
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
      if (ui.frozen) {
        ui.frozen.reset();
        ui.end.reset();
      } else {
        ui.frozen = now;
        ui.end = end_of_plot(page, ui);
      }
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
