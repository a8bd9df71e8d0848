#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <typeinfo>

#include "mth5/channel.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"
#include "support/support.hpp"

/// Wrong calls of the whole public API: each gets an exception of libmth5 that says what is wrong, and the file stays as usable
/// as it was.
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const mth5::UtcNanos kStart = *mth5::parse_time("2026-05-01T00:00:00");

mth5::Metadata with_id(mth5::Kind kind, const std::string& id) {
  mth5::Metadata metadata{kind};
  metadata.set("id", id);
  return metadata;
}

mth5::Metadata run_metadata(const std::string& id, double rate = 8) {
  auto metadata = with_id(mth5::Kind::Run, id);
  metadata.set("sample_rate", rate);
  return metadata;
}

mth5::ChannelSpec channel(const std::string& component, std::size_t chunk = 0, std::optional<double> fill = {},
                          mth5::SampleType type = mth5::SampleType::Int32) {
  mth5::Metadata metadata{mth5::Kind::Electric};
  metadata.set("component", component);
  return {metadata, type, chunk, fill};
}

const std::vector<mth5::ChannelSpec>& two() {
  static const std::vector<mth5::ChannelSpec> specs{channel("ex"), channel("ey")};
  return specs;
}

mth5::TableSpec table_spec(const std::string& name = "notes") {
  return {name, {{"time", mth5::Column::Type::Int64, 0, "ns"}, {"text", mth5::Column::Type::Text, 8, ""}}, "test", 16};
}

/// A live file with a run that grows, one that is finished, and a table.
struct Live {
  support::TempDir dir;
  std::filesystem::path path = dir / "a.h5";
  mth5::File file = mth5::File::create(path);
  mth5::RunId run, finished;
  mth5::TableId table;
  std::vector<double> four{1, 2, 3, 4};

  Live() {
    file.edit([&](mth5::Edit& edit) {
      edit.add_survey(with_id(mth5::Kind::Survey, "S"));
      edit.add_station("S", with_id(mth5::Kind::Station, "MT001"));
      finished = edit.add_finished_run<double>("S", "MT001", run_metadata("r0"), kStart, two(), matrix());
      run = edit.add_run("S", "MT001", run_metadata("r1"), kStart + 1h, two());
      table = edit.add_table(table_spec());
    });
    file.start_swmr();
  }
  mth5::Matrix<const double> matrix() const { return {four.data(), 2, 2, 2}; }
};

struct Misuse {
  const char* name;
  std::function<void(Live&)> call;
  std::string says;
};

/// In an edit.
Misuse edited(const char* name, std::function<void(Live&, mth5::Edit&)> call, std::string says) {
  return {name, [call = std::move(call)](Live& l) { l.file.edit([&](mth5::Edit& edit) { call(l, edit); }); }, std::move(says)};
}

/// A run whose only channel is `spec`.
Misuse refused_channel(const char* name, mth5::ChannelSpec spec, std::string says) {
  return edited(
      name,
      [spec = std::move(spec)](Live&, mth5::Edit& e) {
        (void)e.add_run("S", "MT001", run_metadata("new"), kStart, std::vector{spec});
      },
      std::move(says));
}
Misuse refused_table(const char* name, mth5::TableSpec spec, std::string says) {
  return edited(
      name, [spec = std::move(spec)](Live&, mth5::Edit& e) { (void)e.add_table(spec); }, std::move(says));
}
mth5::TableSpec changed(void (*change)(mth5::TableSpec&)) {
  mth5::TableSpec spec = table_spec("new");
  change(spec);
  return spec;
}

using mth5::Edit;
using mth5::Kind;
using mth5::Matrix;
using mth5::RunId;

const std::vector<Misuse>& of_runs() {
  static const std::vector<Misuse> all{
      {"AppendToNoRun", [](Live& l) { l.file.append(RunId{}, l.matrix()); }, "not from this file"},
      {"AppendFramesToNoRun", [](Live& l) { l.file.append_interleaved(RunId{}, std::span<const double>{l.four}); },
       "not from this file"},
      {"AppendOneChannelToNoRun", [](Live& l) { l.file.append(RunId{7}, 0, std::span<const double>{l.four}); },
       "not from this file"},
      {"AppendToAFinishedRun", [](Live& l) { l.file.append(l.finished, l.matrix()); }, "the run is finished"},
      {"AppendOneChannelToAFinishedRun", [](Live& l) { l.file.append(l.finished, 0, std::span<const double>{l.four}); },
       "the run is finished"},
      {"AppendToAChannelThatIsNot", [](Live& l) { l.file.append(l.run, 2, std::span<const double>{l.four}); },
       "there is no channel 2"},
      {"AppendOverlappingChannels",
       [](Live& l) {
         l.file.append(l.run, Matrix<const double>{l.four.data(), 2, 3, 1});
       },
       "the channels overlap"},
      {"AppendFromNowhere",
       [](Live& l) {
         l.file.append(l.run, Matrix<const double>{nullptr, 2, 2, 2});
       },
       "2 samples a channel without data: the pointer is null"},
      {"AppendMoreThanThereCanBe",
       [](Live& l) {
         l.file.append(l.run, Matrix<const double>{l.four.data(), 2, std::size_t{1} << 62, std::size_t{1} << 62});
       },
       "there cannot be so many"},
      {"AppendOneChannelOfTwo",
       [](Live& l) {
         l.file.append(l.run, Matrix<const double>{l.four.data(), 1, 2, 2});
       },
       "append of 1 channels to a run of 2"},
      {"AppendNoChannels",
       [](Live& l) {
         l.file.append(l.run, Matrix<const double>{l.four.data(), 0, 2, 2});
       },
       "append of 0 channels to a run of 2"},
      {"AppendHalfAFrame", [](Live& l) { l.file.append_interleaved(l.run, std::span<const double>{l.four}.first(3)); },
       "not whole frames"},
      {"AppendAfterAGap", [](Live& l) { l.file.append(l.run, l.matrix(), kStart + 2h); }, "a gap begins a new run"},
      {"AppendInAnEdit", [](Live& l) { l.file.edit([&](Edit&) { l.file.append(l.run, l.matrix()); }); }, "not inside edit()"},
      {"SamplesOfNoRun", [](Live& l) { (void)l.file.n_samples(RunId{}); }, "not from this file"},
      {"ComponentsOfNoRun", [](Live& l) { (void)l.file.components(RunId{}); }, "not from this file"},
      {"WaitingOfNoRun", [](Live& l) { (void)l.file.waiting(RunId{}, 0); }, "not from this file"},
      {"WaitingOfNoChannel", [](Live& l) { (void)l.file.waiting(l.run, 9); }, "there is no channel 9"},
      {"OpenRunThatIsNot", [](Live& l) { (void)l.file.open_run("S", "MT001", "r9"); }, "there is no run 'r9'"},
      {"OpenRunOfNoStation", [](Live& l) { (void)l.file.open_run("S", "MT009", "r0"); }, "there is no station 'MT009'"},
      {"OpenRunInAnEdit", [](Live& l) { l.file.edit([&](Edit&) { (void)l.file.open_run("S", "MT001", "r0"); }); },
       "not inside edit()"},
      {"NamesOfNoStation", [](Live& l) { (void)l.file.run_names("S", "MT009"); }, "there is no station 'MT009'"},
      edited(
          "AddNoChannels", [](Live&, Edit& e) { (void)e.add_run("S", "MT001", run_metadata("new"), kStart, {}); },
          "needs at least one channel"),
      edited(
          "AddARunTwice", [](Live&, Edit& e) { (void)e.add_run("S", "MT001", run_metadata("r1"), kStart, two()); },
          "run 'r1' exists already"),
      edited(
          "AddARunWithoutAName", [](Live&, Edit& e) { (void)e.add_run("S", "MT001", mth5::Metadata{Kind::Run}, kStart, two()); },
          "run.id: is missing"),
      edited(
          "AddAStationAsRun", [](Live&, Edit& e) { (void)e.add_run("S", "MT001", with_id(Kind::Station, "x"), kStart, two()); },
          "belong"),
      edited(
          "AddARunWithoutARate", [](Live&, Edit& e) { (void)e.add_run("S", "MT001", with_id(Kind::Run, "new"), kStart, two()); },
          "sample_rate"),
      edited(
          "AddARunOfARateThatIsNone",
          [](Live&, Edit& e) { (void)e.add_run("S", "MT001", run_metadata("new", 1e-300), kStart, two()); },
          "1e-300 Hz is no rate of samples: it must be from 1e-06 to 1e+09 Hz"),
      edited(
          "AddARunTooFast", [](Live&, Edit& e) { (void)e.add_run("S", "MT001", run_metadata("new", 1e10), kStart, two()); },
          "1e+10 Hz is no rate of samples"),
      edited(
          "FinishedRunFromNowhere",
          [](Live&, Edit& e) {
            (void)e.add_finished_run<double>("S", "MT001", run_metadata("new"), kStart, two(), {nullptr, 2, 2, 2});
          },
          "without data: the pointer is null"),
      edited(
          "FinishedRunWithoutSamples",
          [](Live&, Edit& e) {
            (void)e.add_finished_run<double>("S", "MT001", run_metadata("new"), kStart, two(), {nullptr, 2, 0, 0});
          },
          "needs samples"),
      edited(
          "FinishedRunOfOtherChannels",
          [](Live& l, Edit& e) {
            (void)e.add_finished_run<double>("S", "MT001", run_metadata("new"), kStart, two(), {l.four.data(), 1, 2, 2});
          },
          "samples of 1 channels for 2"),
      edited(
          "FinishedRunThatOverlaps",
          [](Live& l, Edit& e) {
            (void)e.add_finished_run<double>("S", "MT001", run_metadata("new"), kStart, two(), {l.four.data(), 2, 2, 1});
          },
          "the channels overlap"),
      edited(
          "FinishARunTwice",
          [](Live& l, Edit& e) {
            (void)l;
            const auto id = e.add_run("S", "MT001", run_metadata("twice"), kStart, two());
            e.finish_run(id);
            e.finish_run(id);
          },
          "the run is finished"),
      edited(
          "FinishNoRun", [](Live&, Edit& e) { e.finish_run(RunId{}); }, "not from this file"),
      edited(
          "UpdateNoRun", [](Live&, Edit& e) { e.update_run(RunId{}, mth5::Metadata{Kind::Run}); }, "not from this file"),
      edited(
          "RenameARun", [](Live& l, Edit& e) { e.update_run(l.run, with_id(Kind::Run, "other")); }, "cannot be changed"),
      edited(
          "ChangeTheRateOfARun", [](Live& l, Edit& e) { e.update_run(l.run, run_metadata("r1", 16)); }, "cannot be changed"),
      edited(
          "UpdateARunAsStation", [](Live& l, Edit& e) { e.update_run(l.run, mth5::Metadata{Kind::Station}); }, "belong"),
      edited(
          "AddAChannelToNoRun", [](Live&, Edit& e) { e.add_channel(RunId{}, two().front()); }, "not from this file"),
      edited(
          "AddAChannelToARunWithSamples", [](Live& l, Edit& e) { e.add_channel(l.run, channel("ez")); }, "has 2 samples in each"),
      edited(
          "AddAChannelTwice",
          [](Live&, Edit& e) { e.add_channel(e.add_run("S", "MT001", run_metadata("empty"), kStart, two()), two().front()); },
          "two channels are called 'ex'"),
      refused_channel("ChunkOfTerabytes", channel("ex", std::size_t{1} << 40), "a chunk of 1099511627776 samples"),
      refused_channel("ChunkThatWrapsRound", channel("ex", std::numeric_limits<std::size_t>::max()), "a chunk of"),
      refused_channel("FillThatIsNoInteger", channel("ex", 0, 0.5), "a fill value of 0.5"),
      refused_channel("FillThatIsNaN", channel("ex", 0, kNaN), "a fill value of"),
      refused_channel("FillOutOfRange", channel("ex", 0, 40000, mth5::SampleType::Int16), "a fill value of 40000"),
      refused_channel("ChannelOfStations", {with_id(Kind::Station, "ex")}, "where those of a channel belong"),
      refused_channel("ChannelWithoutAName", {mth5::Metadata{Kind::Electric}}, "channel.component: is missing"),
  };
  return all;
}

/// On a File that another was made of.
Misuse moved(const char* name, void (*call)(mth5::File&)) {
  return {name,
          [call](Live& l) {
            mth5::File other{std::move(l.file)};
            try {
              call(l.file);
            } catch (...) {
              l.file = std::move(other);
              throw;
            }
          },
          "was moved from"};
}

const std::vector<Misuse>& of_the_rest() {
  static const std::vector<Misuse> all{
      {"FlushInAnEdit", [](Live& l) { l.file.edit([&](Edit&) { l.file.flush(); }); }, "not inside edit()"},
      {"SyncInAnEdit", [](Live& l) { l.file.edit([&](Edit&) { l.file.sync(); }); }, "not inside edit()"},
      {"CloseInAnEdit", [](Live& l) { l.file.edit([&](Edit&) { l.file.close(); }); }, "not inside edit()"},
      {"GoLiveInAnEdit", [](Live& l) { l.file.edit([&](Edit&) { l.file.start_swmr(); }); }, "not inside edit()"},
      {"EditInAnEdit", [](Live& l) { l.file.edit([&](Edit&) { l.file.edit([](Edit&) {}); }); }, "not inside edit()"},
      {"EditAfterTheEdit",
       [](Live& l) {
         std::optional<Edit> kept;
         l.file.edit([&](Edit& edit) { kept.emplace(edit); });
         kept->add_survey(with_id(Kind::Survey, "S2"));
       },
       "good only inside the function given to edit()"},
      {"EditWithNothing", [](Live& l) { l.file.edit({}); }, "without a function"},
      {"RowsInAnEdit",
       [](Live& l) {
         mth5::Rows rows{table_spec()};
         rows.add(std::int64_t{1});
         rows.add("x");
         l.file.edit([&](Edit&) { l.file.append_rows(l.table, rows); });
       },
       "not inside edit()"},
      {"RowsOfNoTable", [](Live& l) { l.file.append_rows({}, mth5::Rows{table_spec()}); }, "not from this file"},
      {"RowsOfNoTableCounted", [](Live& l) { (void)l.file.n_rows({}); }, "not from this file"},
      {"RowsOfAnotherTable",
       [](Live& l) {
         auto other = table_spec();
         other.columns.pop_back();
         l.file.append_rows(l.table, mth5::Rows{other});
       },
       "rows with other columns"},
      {"RowThatIsNotComplete",
       [](Live& l) {
         mth5::Rows rows{table_spec()};
         rows.add(std::int64_t{1});
         l.file.append_rows(l.table, rows);
       },
       "a row that is not complete"},
      {"ValueOfAnotherType", [](Live&) { mth5::Rows{table_spec()}.add(1.5); }, "value of another type"},
      {"ValueForNoColumns", [](Live&) { mth5::Rows{mth5::TableSpec{}}.add(1.5); }, "table without columns"},
      refused_table("TableTwice", table_spec(), "exists already"),
      refused_table("TableOfOurs", table_spec("state"), "exists already"),
      refused_table("TableWithoutAName", table_spec(""), "not a name below /Acquisition"),
      refused_table("TableElsewhere", table_spec("../Experiment/x"), "not a name below /Acquisition"),
      refused_table("TableInItself", table_spec("a//b"), "not a name below /Acquisition"),
      refused_table("TableInATable", table_spec("notes/inner"), "is a table"),
      refused_table("TableWithoutColumns", changed([](mth5::TableSpec& s) { s.columns.clear(); }), "has no columns"),
      refused_table("ColumnTwice", changed([](mth5::TableSpec& s) { s.columns.push_back(s.columns.front()); }),
                    "a name of its own"),
      refused_table("TextOfNoBytes", changed([](mth5::TableSpec& s) { s.columns[1].text_bytes = 0; }), "text of 0 bytes"),
      refused_table("ChunkOfNoRows", changed([](mth5::TableSpec& s) { s.chunk = 0; }), "a chunk of 0 rows"),
      refused_table("ChunkOfAllRows", changed([](mth5::TableSpec& s) { s.chunk = std::size_t{1} << 60; }), "a chunk of"),
      edited(
          "SurveyTwice", [](Live&, Edit& e) { e.add_survey(with_id(Kind::Survey, "S")); }, "exists already"),
      edited(
          "SurveyOfStations", [](Live&, Edit& e) { e.add_survey(with_id(Kind::Station, "S2")); }, "belong"),
      edited(
          "StationTwice", [](Live&, Edit& e) { e.add_station("S", with_id(Kind::Station, "MT001")); }, "exists already"),
      edited(
          "StationOfNoSurvey", [](Live&, Edit& e) { e.add_station("S9", with_id(Kind::Station, "MT002")); },
          "there is no survey 'S9'"),
      edited(
          "UpdateNoSurvey", [](Live&, Edit& e) { e.update_survey(with_id(Kind::Survey, "S9")); }, "there is no survey 'S9'"),
      edited(
          "UpdateASurveyAsStation", [](Live&, Edit& e) { e.update_survey(with_id(Kind::Station, "S")); }, "belong"),
      edited(
          "UpdateNoStation", [](Live&, Edit& e) { e.update_station("S", with_id(Kind::Station, "MT009")); },
          "there is no station 'MT009'"),
      edited(
          "UpdateAStationAsSurvey", [](Live&, Edit& e) { e.update_station("S", with_id(Kind::Survey, "MT001")); }, "belong"),
      edited(
          "FilterOfNoSurvey", [](Live&, Edit& e) { e.add_filter("S9", {}); }, "there is no survey 'S9'"),
      edited(
          "AskForAFilterOfNoSurvey", [](Live&, Edit& e) { (void)e.has_filter("S9", "f"); }, "there is no survey 'S9'"),
      edited(
          "FilterWithoutAName", [](Live&, Edit& e) { e.add_filter("S", {}); }, "name"),
      edited(
          "FilterThatIsAStation", [](Live&, Edit& e) { e.add_filter("S", {.metadata = with_id(Kind::Station, "x")}); }, "filter"),
      {"OpenTwice", [](Live& l) { (void)mth5::File::open(l.path); }, "this process is writing this file already"},
      {"CreateTwice", [](Live& l) { (void)mth5::File::create(l.path); }, "exists already"},
      {"CopyWhatIsWritten", [](Live& l) { (void)mth5::copy_for_swmr(l.path, l.dir / "b.h5"); }, "is open for writing"},
      {"UndoWhatIsWritten", [](Live& l) { mth5::undo_changes(l.path, l.dir / "none"); }, "this process is writing"},
      {"CopyNothing", [](Live& l) { (void)mth5::copy_for_swmr(l.dir / "none.h5", l.dir / "b.h5"); }, "none.h5"},
      {"JournalOfNothing", [](Live& l) { (void)mth5::has_journal(l.dir / "none.h5"); }, "none.h5"},
      {"CommitsOfNothing", [](Live& l) { (void)mth5::was_committed(l.dir / "none.h5"); }, "none.h5"},
      {"ReadNothing", [](Live& l) { mth5::Reader{l.dir / "none.h5"}; }, "none.h5"},
      {"ReplayWhatIsWritten",
       [](Live& l) {
         mth5::Reader reader{l.path};
         reader.replay(mth5::UtcNanos{});
       },
       "only a closed file can be shown as it was"},
      {"ProbeNothing", [](Live& l) { (void)mth5::probe(l.dir / "none.h5"); }, "none.h5"},
      {"NewestOfNothing", [](Live& l) { (void)mth5::newest_file(l.dir / "none"); }, "none"},
      {"FilterThatIsNone", [](Live&) { mth5::check_filter({.metadata = with_id(Kind::Station, "x")}); }, "filter"},
      {"BufferedBelowNone", [](Live& l) { l.file.set_buffered(-5); }, "-5 buffered samples"},
      {"FlushAtNegativeSamples",
       [](Live& l) {
         l.file.set_flush_policy({-1, {}});
       },
       "flush policy of -1 samples"},
      {"FlushInThePast",
       [](Live& l) {
         l.file.set_flush_policy({0, std::chrono::nanoseconds{-1}});
       },
       "-1 ns"},
      moved("FlushOfAMovedFile", [](mth5::File& file) { file.flush(); }),
      moved("EditOfAMovedFile", [](mth5::File& file) { file.edit([](Edit&) {}); }),
      moved("CloseOfAMovedFile", [](mth5::File& file) { file.close(); }),
      moved("PathOfAMovedFile", [](mth5::File& file) { (void)file.path(); }),
      moved("StateOfAMovedFile", [](mth5::File& file) { (void)file.is_swmr_mode(); }),
      moved("AppendToAMovedFile",
            [](mth5::File& file) {
              const double one = 1;
              file.append(RunId{}, Matrix<const double>{&one, 1, 1, 1});
            }),
      {"ReadAMovedReader",
       [](Live&) {
         mth5::Reader reader{support::data() / "mth5" / "python_v020.h5"};
         const mth5::Reader other{std::move(reader)};
         EXPECT_FALSE(other.runs().empty());
         (void)reader.runs();
       },
       "was moved from"},
      {"AttributeThatIsNot", [](Live&) { mth5::Metadata{Kind::Run}.set("sample_rte", 1.0); }, "sample_rate"},
  };
  return all;
}

class Refuses : public testing::TestWithParam<Misuse> {};

TEST_P(Refuses, WithAReasonAndStaysUsable) {
  Live l;
  l.file.append(l.run, l.matrix());
  try {
    GetParam().call(l);
    ADD_FAILURE() << "was done";
  } catch (const mth5::Error& e) {
    EXPECT_THAT(e.what(), AllOf(HasSubstr(GetParam().says), Not(HasSubstr("h5clear")), Not(HasSubstr("\n"))));
  } catch (const std::exception& e) {
    ADD_FAILURE() << typeid(e).name() << ": " << e.what();
  }
  l.file.append(l.run, l.matrix());
  l.file.flush();
  l.file.edit([](Edit& edit) { (void)edit.add_run("S", "MT001", run_metadata("after"), kStart, two()); });
  l.file.close();
  const mth5::Reader reader{l.path};
  const auto found = reader.find("MT001", "r1", "ey");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(reader.read(found[0], 0, 9), (std::vector<double>{3, 4, 3, 4})) << "no more and no less than what was appended";
}

std::string name_of(const testing::TestParamInfo<Misuse>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Runs, Refuses, testing::ValuesIn(of_runs()), name_of);
INSTANTIATE_TEST_SUITE_P(Rest, Refuses, testing::ValuesIn(of_the_rest()), name_of);

TEST(Misuse, OfAClosedFileIsRefusedToo) {
  Live l;
  l.file.append(l.run, l.matrix());
  l.file.close();
  l.file.close();  // twice is no harm
  EXPECT_EQ(l.file.hidden_path(), "");
  const std::vector<std::function<void()>> calls{
      [&] { l.file.append(l.run, l.matrix()); },
      [&] { l.file.append_interleaved(l.run, std::span<const double>{l.four}); },
      [&] { l.file.append(l.run, 0, std::span<const double>{l.four}); },
      [&] { l.file.append_rows(l.table, mth5::Rows{table_spec()}); },
      [&] { l.file.flush(); },
      [&] { l.file.sync(); },
      [&] { l.file.start_swmr(); },
      [&] { l.file.edit([](Edit&) {}); },
      [&] { (void)l.file.open_run("S", "MT001", "r1"); },
      [&] { (void)l.file.still_there(); },
  };
  for (std::size_t i = 0; i < calls.size(); ++i) {
    try {
      calls[i]();
      ADD_FAILURE() << "call " << i << " was done";
    } catch (const mth5::StateError& e) {
      EXPECT_THAT(e.what(), HasSubstr("the file is closed")) << "call " << i;
    }
  }
  EXPECT_EQ(l.file.n_samples(l.run), 2);
  EXPECT_GT(l.file.file_bytes(), 0u);
}

TEST(Misuse, OfAReaderIsRefusedOrCutOff) {
  Live l;
  l.file.append(l.run, l.matrix());
  l.file.close();
  const mth5::Reader reader{l.path};
  const auto n = reader.channels().size();
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(reader.read(0, -1, 2), (std::vector<double>{1})) << "what is before the first sample is cut off, not shifted";
  EXPECT_THAT(reader.read(0, -5, 3), testing::IsEmpty());
  EXPECT_THAT(reader.read(0, kLeast, kMost), testing::IsEmpty());
  EXPECT_EQ(reader.read(0, 0, kMost).size(), 2u);
  EXPECT_THAT(reader.read(0, kMost, kMost), testing::IsEmpty());
  EXPECT_THAT(reader.read(0, 1, -1), testing::IsEmpty());
  const mth5::Channel first{reader, 0};
  EXPECT_EQ(first.indexes(mth5::SampleRange{-7, 1}), (std::pair<std::int64_t, std::int64_t>{0, 1}));
  EXPECT_EQ(first.indexes(mth5::SampleRange{5, 1}), (std::pair<std::int64_t, std::int64_t>{2, 2}));
  EXPECT_THROW((void)reader.read(n, 0, 1), mth5::StateError);
  EXPECT_THROW((void)reader.has_data(n), mth5::StateError);
  EXPECT_THROW(reader.check_channel(n), mth5::StateError);
  EXPECT_THROW((mth5::Channel{reader, n}), mth5::StateError);
  EXPECT_THROW((mth5::Channel{reader, "MT001", "r9", "ex"}), mth5::StateError);
  EXPECT_THROW((void)first.blocks({}, 0), mth5::StateError);
  EXPECT_EQ(reader.table("none"), std::nullopt);
  EXPECT_EQ(reader.table_rows("none"), 0);
  EXPECT_EQ(reader.table("notes", kMost)->size(), 0u);
  EXPECT_THROW((void)reader.channel_summary().integer(99, "n_samples"), mth5::FormatError);
  EXPECT_THROW((void)reader.channel_summary().text(0, "none"), mth5::FormatError);
}

}  // namespace
