#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/gap.hpp"
#include "analysis/ledger.hpp"
#include "analysis/snapshot.hpp"
#include "analysis/spectra/reference.hpp"
#include "analysis/trends.hpp"
#include "view/screen.hpp"
#include "view/spectra.hpp"
#include "view/spectrogram.hpp"
#include "view/traces.hpp"

/// What the full screen shows, as values and as pictures of them. Thread: pure functions of values.
namespace view {

/// All that a screen is drawn from. What is not known is empty, and is shown as such in words.
struct Page {
  std::optional<analysis::Snapshot> look;  ///< nullopt: there is no file yet, as `message` says, or it is being read
  mth5::UtcNanos now{};
  std::string lost = {};                     ///< what became of the file, where `look` is of before that: "a.h5: renamed to b.h5"
  std::string message;                       ///< the last remark: what is waited for, what was saved; "" = none
  std::vector<analysis::Gap> gaps;           ///< of the file, in order of time, one that is still open and steps of the clock too
  std::vector<std::string> components = {};  ///< the only ones that are shown, as of analysis::is_asked_for()
  analysis::Trends trends;                   ///< of health and clocks
  std::optional<analysis::Battery> battery;
  analysis::Outlook outlook;
  analysis::DiskTimes disk;
  std::optional<analysis::Ledger> ledger;
  std::vector<analysis::Subject> subjects;  ///< figures of the channels
  /// By station and rate; changed in place, so that a copy that is kept has to copy them.
  std::vector<std::shared_ptr<const StationSpectra>> spectra;
  std::shared_ptr<const analysis::Reference> reference = {};  ///< of the site; nullptr: typical curves
  /// Both of whoever keeps the page up to date, also for a copy: a plot ends where it was frozen.
  const Traces* traces = nullptr;
  const Spectrogram* spectrogram = nullptr;  ///< of one channel, as was asked for last; nullptr: of none yet

  [[nodiscard]] bool shows(const std::string& component) const { return analysis::is_asked_for(components, component); }
};

/// How the user wants it. Thread: a value.
struct Ui {
  int view = 1;  ///< number of the view, as its key
  bool help = false;
  std::optional<mth5::UtcNanos> frozen = {};  ///< since when; the header goes on
  int scroll = 0;                             ///< rows of lists that are longer than the screen
  Glyphs glyphs = Glyphs::Braille;

  // Of the traces.
  std::size_t window = 2;                  ///< index in windows()
  std::optional<mth5::UtcNanos> end = {};  ///< of the plot; nullopt: the newest sample
  int channel = 0;                         ///< the chosen one, of those that the filter leaves
  bool differences = false;                ///< of neighbouring samples, in place of them
  bool detrend = false;                    ///< of the spectrogram: against the median of each frequency
  /// Lowest and highest value of each trace, by its name; nullopt: what is seen gives the scale.
  std::optional<std::map<std::string, std::pair<double, double>>> scales = {};
  bool linear = false;   ///< the axis of frequencies
  bool physical = true;  ///< by the gain of the filters of a channel, where that is known; false: units as they are stored
  /// Exponents of ten of the weakest and the strongest shade; nullopt: what is seen gives them.
  std::optional<std::pair<double, double>> shades = {};
  std::string filter = {};  ///< part of the names of channels that are shown; "" = all
  bool reference = true;    ///< typical ranges beside the spectra
  bool typing = false;      ///< keys are of the filter
};

/// How long a plot of traces can be.
[[nodiscard]] const std::vector<std::chrono::seconds>& windows();
/// Those that the filter leaves.
[[nodiscard]] std::vector<const Traces::Channel*> filtered(const Page& page, const Ui& ui);
/// The chosen one of them; nullptr: there is none.
[[nodiscard]] const Traces::Channel* chosen_channel(const Page& page, const Ui& ui);
/// Where a plot of traces ends now.
[[nodiscard]] std::optional<mth5::UtcNanos> end_of_plot(const Page& page, const Ui& ui);
/// Lowest and highest value of what is seen of each channel, with room for both.
[[nodiscard]] std::map<std::string, std::pair<double, double>> scales_of(const Page& page, const Ui& ui);

/// The weakest and the strongest shade of what is seen of a spectrogram.
[[nodiscard]] std::optional<std::pair<double, double>> shades_of(const Page& page, const Ui& ui);

/// A view, and its key.
struct View {
  int number;
  const char* name;
  /// Draws it into the rows from `top` up to the last but one.
  void (*draw)(Screen& screen, int top, const Page& page, const Ui& ui);
};
/// Those that there are, in order of their numbers.
[[nodiscard]] const std::vector<View>& views();

/// The whole screen. With less than 24 rows or 80 columns it is one line: the verdict.
/// @param page   as of now; the header is of it
/// @param shown  what the view shows: the same, or as it was when it was frozen
[[nodiscard]] Screen draw(int rows, int columns, const Page& page, const Page& shown, const Ui& ui);

inline constexpr int kLeastRows = 24, kLeastColumns = 80;
inline constexpr int kTop = 8;  ///< first row of a view

/// The key that a click there stands for, of a view or of the help; 0: none.
[[nodiscard]] char32_t key_at(int row, int column);
/// The header: verdict, state, what is at risk, clock, power, completeness.
void draw_header(Screen& screen, const Page& page, const Ui& ui);
void draw_traces(Screen& screen, int top, const Page& page, const Ui& ui);
void draw_spectra(Screen& screen, int top, const Page& page, const Ui& ui);
void draw_spectrogram(Screen& screen, int top, const Page& page, const Ui& ui);
void draw_quality(Screen& screen, int top, const Page& page, const Ui& ui);
void draw_timing(Screen& screen, int top, const Page& page, const Ui& ui);
void draw_health(Screen& screen, int top, const Page& page, const Ui& ui);
void draw_help(Screen& screen, int top);
/// Row behind it.
[[nodiscard]] int help_ends(int top);

/// A channel among those of the page: "ex"; with its station and its stream where others have that name, too: "ex (sr1) MT02".
[[nodiscard]] std::string label_of(const Page& page, const std::string& station, const std::string& component,
                                   const std::string& stream);

/// Of a forecast: "12 d 3 h"; beyond two years no more than that.
[[nodiscard]] std::string time_left(double seconds);
/// "10:32:05", with the date where it is of another day than now.
[[nodiscard]] std::string time_of(mth5::UtcNanos time, mth5::UtcNanos now);
/// "3,600".
[[nodiscard]] std::string grouped(std::int64_t number);
/// With as many digits as the eye takes: "12.7", "0.00123".
[[nodiscard]] std::string short_number(double value);

/// The text as shown(), or as much of it as there is room for, and a sign that there is more.
[[nodiscard]] std::string cut_to(const std::string& text, int room);

/// Lines of at most so many columns, where words allow it; at least one.
[[nodiscard]] std::vector<std::string> wrapped(const std::string& text, int columns);

/// How a trend went, as a line over its time: the smallest and the largest value of each column of points, and between two of
/// them what it was before, as health is stored when it changes.
void draw_trend(Screen& screen, int row, int column, int rows, int columns, const analysis::Envelope& trend, Glyphs glyphs,
                Ink ink);

}  // namespace view
