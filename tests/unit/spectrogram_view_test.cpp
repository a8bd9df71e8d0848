#include "view/spectrogram.hpp"

#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/acquisition_file.hpp"
#include "support/support.hpp"
#include "view/collector.hpp"
#include "view/keys.hpp"

namespace {

using std::chrono::hours;
using std::chrono::seconds;
using support::AcquisitionFile;
using testing::HasSubstr;
using view::Action;
using view::Page;
using view::Spectrogram;
using view::Ui;

const mth5::UtcNanos kStart = AcquisitionFile::start();

analysis::Samples samples(mth5::UtcNanos start, std::size_t n) { return {start, std::vector<double>(n, 1.0)}; }

TEST(SpectrogramView, HasColumnsOfAGridWithSamplesEnough) {
  const Spectrogram fast{{"S1", "", "ex", 1000, hours{24}}};
  EXPECT_NEAR(std::chrono::duration<double>(fast.length()).count(), 86'400 / 70.0, 1e-6);
  EXPECT_EQ(fast.segment(), 1024U);
  EXPECT_EQ(fast.most(), 16 * 1024) << "of a million";
  const Spectrogram slow{{"S1", "", "ex", 1, std::chrono::minutes{10}}};
  EXPECT_EQ(slow.length(), seconds{128}) << "more than a seventieth of the time";
  EXPECT_EQ(slow.segment(), 32U);
  for (const auto* one : {&fast, &slow})
    for (const auto time : {kStart, mth5::UtcNanos{seconds{-7}}, mth5::UtcNanos{}}) {
      const auto number = one->number_of(time);
      EXPECT_LE(one->start_of(number), time);
      EXPECT_LT(time, one->start_of(number + 1));
    }
}

TEST(SpectrogramView, LacksTheNewestFirstAndTheOneThatGrowsAgain) {
  Spectrogram made{{"S1", "", "ex", 1, hours{10}}};
  const auto begin = made.start_of(made.number_of(kStart));
  const auto newest = begin + made.length() * 3 + seconds{100};
  const auto missing = [&] { return made.missing(begin, begin + hours{10}, newest); };
  const auto first = made.number_of(begin);
  for (const int column : {3, 2, 1, 0}) {
    ASSERT_EQ(missing(), first + column);
    const auto all = samples(made.start_of(first + column), 300);
    made.set(first + column, {&all, 1}, newest);
  }
  EXPECT_FALSE(missing());
  EXPECT_EQ(made.missing(begin, begin + hours{10}, newest + seconds{1}), first + 3) << "samples were added";
  EXPECT_TRUE(made.at(first + 3)->open);
  EXPECT_FALSE(made.at(first + 2)->open);
  made.set(first + 1, {}, newest);
  EXPECT_EQ(made.at(first + 1)->segments, 0) << "a hole";
  EXPECT_FALSE(missing());
}

/// Of a channel at 64 Hz: a sine of 4 Hz, and from the middle on of 16 Hz.
class SpectrogramViewOfSines : public testing::Test {
 protected:
  SpectrogramViewOfSines() {
    constexpr double kRate = 64;
    traces_.channels.push_back({{"S1", "hx", "nanotesla", mth5::Kind::Magnetic}, kRate});
    const auto window = std::chrono::nanoseconds{view::windows()[ui_.window]};
    std::vector<double> values(static_cast<std::size_t>(600 * kRate));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double hz = 2 * i < values.size() ? 4 : 16;
      values[i] = std::sin(2 * std::numbers::pi * hz * double(i) / kRate) + 1e-4 * std::sin(double(i * i));
    }
    traces_.channels.back().pyramid.add({kStart, kRate, values});
    made_.emplace(Spectrogram::Of{"S1", "", "hx", kRate, window});
    while (const auto number = made_->missing(kStart, kStart + window, kStart + window)) {
      const auto from = std::max(kStart, made_->start_of(*number)), to = std::min(kStart + window, made_->start_of(*number + 1));
      const auto at = std::llround(mth5::samples_between(kStart, from, kRate)),
                 end = std::llround(mth5::samples_between(kStart, to, kRate));
      const analysis::Samples all{mth5::sample_time(kStart, kRate, at), {values.begin() + at, values.begin() + end}};
      made_->set(*number, {&all, 1}, kStart + window);
    }
    page_.traces = &traces_;
    page_.spectrogram = &*made_;
    page_.now = kStart + window;
    page_.look =
        analysis::Snapshot{.time = kStart, .file = "a.h5", .state = mth5::FileState::Closed, .file_bytes = 0, .stations = {"S1"}};
  }
  [[nodiscard]] view::Screen drawn() const { return view::draw(24, 80, page_, page_, ui_); }
  /// The row of the strongest shade in a column.
  [[nodiscard]] int strongest(int column) const {
    const auto screen = drawn();
    int found = -1;
    for (int row = view::kTop + 1; row < 22; ++row)
      if (screen.at(row, column).glyph == U'@') {
        EXPECT_TRUE(found < 0 || found == row - 1) << "one line, on two rows at most";
        found = row;
      }
    return found;
  }
  view::Traces traces_;
  std::optional<Spectrogram> made_;
  Page page_;
  Ui ui_{.view = 3, .glyphs = view::Glyphs::Ascii, .window = 4};
};

TEST_F(SpectrogramViewOfSines, ShowsEachAtItsFrequencyAndTime) {
  const auto screen = drawn();
  EXPECT_THAT(screen.line(view::kTop), HasSubstr(" >hx  10min"));
  EXPECT_THAT(screen.line(view::kTop), HasSubstr("nT^2/Hz"));
  EXPECT_THAT(screen.text(), HasSubstr("|00:04:00"));
  // The axis is logarithmic from a step of the lines to 32 Hz, on 13 rows.
  const auto row_of = [&](double hz) {
    return view::kTop + 1 + static_cast<int>(std::floor(13 * std::log(32 / hz) / std::log(32 / made_->step())));
  };
  EXPECT_NEAR(strongest(20), row_of(4), 1);
  EXPECT_NEAR(strongest(70), row_of(16), 1);
  ui_.linear = true;
  EXPECT_NEAR(strongest(20), view::kTop + 1 + 13 * (32 - 4) / 32, 1);
  EXPECT_NEAR(strongest(70), view::kTop + 1 + 13 * (32 - 16) / 32, 1);
}

TEST_F(SpectrogramViewOfSines, HasKeysOfItsOwn) {
  const auto press = [&](char32_t key) { return view::press(key, page_, ui_, page_.now); };
  EXPECT_EQ(press(U'a'), Action::Draw);
  ASSERT_TRUE(ui_.shades);
  EXPECT_LT(ui_.shades->first + 1, ui_.shades->second);
  EXPECT_THAT(drawn().line(view::kTop), HasSubstr("fixed"));
  EXPECT_EQ(press(U'd'), Action::Draw);
  EXPECT_FALSE(ui_.shades) << "they are of another figure";
  EXPECT_THAT(drawn().line(view::kTop), HasSubstr("of the median"));
  EXPECT_EQ(press(U'l'), Action::Draw);
  EXPECT_TRUE(ui_.linear);
  EXPECT_EQ(press(U'+'), Action::Draw);
  EXPECT_THAT(drawn().line(view::kTop), HasSubstr("5min  reading ...")) << "of another length of time";
  EXPECT_EQ(press(U'/'), Action::Draw);
  press(U'Q');
  EXPECT_THAT(drawn().text(), HasSubstr("no channel has /Q in its name"));
}

/// A file with a hole of an hour.
TEST(SpectrogramOfFile, FillsUpFromTheNewestAndHasHoles) {
  const support::TempDir dir;
  {
    AcquisitionFile file{dir / "a.h5", {{0, "lemi", "S1", 1}}};
    file.append(file.add_run(0, "sr1_0001", seconds{0}), 7200);
    file.gap(0, "", hours{2}, 3600, "no-data", "sr1_0001", "sr1_0002", false);
    file.append(file.add_run(0, "sr1_0002", hours{3}), 7200);
    file.commit(1, kStart + hours{5}, {{14'400, 14'400}}, {{14'400, 14'400}});
    file.file().close();
  }
  view::Collector collector{""};
  analysis::Watch watch{&collector};
  analysis::LiveFile file{dir / "a.h5", {}};
  collector.begin();
  auto seen = file.look(kStart + hours{5}, watch);
  collector.take(std::move(seen), file.file(), watch);
  const Ui ui{.view = 3, .window = 8};  // 6 h
  EXPECT_THAT(view::draw(24, 80, collector.page(), collector.page(), ui).text(), HasSubstr("reading ..."));
  int parts = 0;
  while (collector.fill_spectrogram(file.file(), ui, std::chrono::nanoseconds{1})) ASSERT_LT(++parts, 1000);
  while (collector.fill_spectrogram(file.file(), ui, seconds{10})) continue;
  const auto& made = *collector.page().spectrogram;
  for (int minute = 5; minute < 290; ++minute) {
    const auto* column = made.at(made.number_of(kStart + std::chrono::minutes{minute}));
    ASSERT_NE(column, nullptr) << minute;
    const bool hole = minute > 120 && minute < 180;
    if (minute < 115 || (minute > 125 && minute < 175) || minute > 185) {
      EXPECT_EQ(column->segments > 0, !hole) << minute;
    }
  }
}

}  // namespace
