#include <algorithm>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mth5/reader.hpp"
#include "support/stages.hpp"
#include "support/support.hpp"
#include "support/test_writer.hpp"

namespace {

using mth5::FileState;
using support::sample_at;
using support::Stages;
using support::TestWriter;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

/// Checks samples [from, n_samples) of every channel. @returns how many were wrong
std::int64_t wrong_samples(const mth5::Reader& reader, std::vector<std::int64_t>& from) {
  const auto& components = TestWriter::components();
  std::int64_t wrong = 0;
  from.resize(reader.channels().size());
  for (std::size_t i = 0; i < reader.channels().size(); ++i) {
    const auto& info = reader.channels()[i];
    const auto at = std::find(components.begin(), components.end(), info.component) - components.begin();
    const auto run = static_cast<std::size_t>(std::stoul(info.run.substr(1)));
    const auto samples = reader.read(i, from[i], info.n_samples - from[i]);
    for (std::size_t k = 0; k < samples.size(); ++k)
      wrong += samples[k] != sample_at(static_cast<std::size_t>(at), run, from[i] + static_cast<std::int64_t>(k));
    from[i] = info.n_samples;
  }
  return wrong;
}

class LiveReader : public testing::Test {
 protected:
  support::TempDir dir_;
  const std::filesystem::path path_ = dir_ / "live.h5";
};

TEST_F(LiveReader, FollowsSamplesTablesNewRunsAndTheEnd) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    gate.reached();
    recorder.append(100);
    recorder.file().flush();
    gate.reached();
    recorder.append(50);
    recorder.append_gap(7, 3, "ring", "r0", "r0", true);
    recorder.file().set_buffered(12);
    recorder.file().sync();
    gate.reached();
    recorder.new_run(std::chrono::hours{1});
    recorder.append(10);
    recorder.file().flush();
    gate.reached();
    recorder.file().close();
  }};
  writer.wait();
  mth5::Reader reader{path_};
  EXPECT_EQ(reader.state(), FileState::Live);
  ASSERT_EQ(reader.runs().size(), 1U);
  EXPECT_EQ(reader.runs()[0].n_samples, 0);
  EXPECT_EQ(reader.runs()[0].sample_rate, 100);
  EXPECT_EQ(mth5::to_iso(reader.runs()[0].start), "2026-05-01T00:00:00Z");
  EXPECT_THAT(reader.tables(), ElementsAre("gaps", "state"));
  EXPECT_FALSE(reader.refresh());

  writer.step();
  EXPECT_EQ(reader.runs()[0].n_samples, 0) << "changed without refresh";
  EXPECT_TRUE(reader.refresh());
  EXPECT_EQ(reader.runs()[0].n_samples, 100);
  EXPECT_EQ(reader.channels()[0].n_samples, 100);
  EXPECT_THAT(reader.read(0, 98, 10), ElementsAre(sample_at(0, 0, 98), sample_at(0, 0, 99)));
  EXPECT_EQ(reader.last_commit()->visible_samples, 100);
  EXPECT_EQ(reader.last_commit()->durable_samples, 0);
  EXPECT_EQ(reader.table_rows("gaps"), 0);

  writer.step();
  EXPECT_TRUE(reader.refresh());
  EXPECT_EQ(reader.last_commit()->durable_samples, 150);
  EXPECT_EQ(reader.last_commit()->buffered_samples, 12);
  EXPECT_FALSE(reader.last_commit()->closed);
  const auto gaps = reader.table("gaps");
  ASSERT_TRUE(gaps);
  ASSERT_EQ(gaps->size(), 1U);
  EXPECT_EQ(gaps->integer(0, "start"), 7);
  EXPECT_EQ(gaps->text(0, "reason"), "ring");
  EXPECT_EQ(gaps->columns(), TestWriter::gap_table().columns);
  EXPECT_THROW((void)gaps->number(0, "start"), mth5::FormatError);
  EXPECT_EQ(reader.table("gaps", 1)->size(), 0U);
  EXPECT_EQ(reader.table_rows("gaps"), 1);

  writer.step();
  EXPECT_TRUE(reader.refresh());
  ASSERT_EQ(reader.runs().size(), 2U);
  EXPECT_EQ(reader.runs()[0].id, "r0");
  EXPECT_EQ(reader.runs()[1].n_samples, 10);
  EXPECT_EQ(reader.channels()[0].run, "r0");
  EXPECT_EQ(reader.channels()[3].run, "r1");
  std::vector<std::int64_t> from;
  EXPECT_EQ(wrong_samples(reader, from), 0);

  EXPECT_EQ(writer.finish(), 0);
  reader.refresh();
  EXPECT_EQ(reader.state(), FileState::Closed);
  EXPECT_TRUE(reader.last_commit()->closed);
  EXPECT_EQ(reader.run_metadata(1).text("time_period.end"), "2026-05-01T01:00:00.090+00:00");
  EXPECT_FALSE(reader.refresh());
}

TEST_F(LiveReader, SeesNoWrongSampleWhileTheWriterStreamsAndAddsRuns) {
  constexpr int kRuns = 6;
  constexpr int kBatches = 80;
  constexpr std::int64_t kBatch = 37;
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    gate.reached();
    for (int run = 0; run < kRuns; ++run) {
      if (run > 0) recorder.new_run(std::chrono::hours{run});
      for (int i = 0; i < kBatches; ++i) {
        recorder.append(kBatch);
        recorder.file().flush();
      }
    }
    recorder.file().close();
  }};
  writer.wait();
  mth5::Reader reader{path_, {.deadline = std::chrono::seconds{20}}};
  writer.next();
  std::vector<std::int64_t> from;
  std::vector<std::string> seen;
  std::int64_t wrong = 0;
  ASSERT_TRUE(support::eventually([&] {
    const bool closed = reader.state() == FileState::Closed;
    try {
      reader.refresh();
    } catch (const mth5::FileError&) {
      return false;  // caught in an edit: the next refresh tries again
    }
    wrong += wrong_samples(reader, from);
    for (std::size_t i = 0; i < reader.channels().size(); ++i) {
      const std::string name = reader.channels()[i].run + "/" + reader.channels()[i].component;
      if (i == seen.size()) seen.push_back(name);
      EXPECT_EQ(seen[i], name) << "an index moved";
    }
    return closed;
  }));
  EXPECT_EQ(wrong, 0);
  ASSERT_EQ(reader.runs().size(), std::size_t{kRuns});
  for (const auto& run : reader.runs()) EXPECT_EQ(run.n_samples, kBatches * kBatch) << run.id;
}

TEST_F(LiveReader, SeesACommitThatCameWhileItOpened) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    gate.reached();
    recorder.append(100);
    recorder.file().flush();
    gate.reached();
  }};
  writer.wait();
  bool committed = false;
  mth5::Reader reader{path_, {.visiting = [&](const std::string& object) {
                        if (!object.ends_with("/hx")) return;
                        writer.step();  // ex has been read
                        committed = true;
                      }}};
  ASSERT_TRUE(committed);
  reader.refresh();
  EXPECT_EQ(reader.runs()[0].n_samples, 100);
}

TEST_F(LiveReader, SeesRunsGrowThatAreNotTheNewestOfTheirKind) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(10);
    recorder.add_run(std::chrono::hours{1});  // r0 goes on beside it
    recorder.add_run(std::chrono::hours{2});
    recorder.file().sync();
    gate.reached();
    recorder.append_to(0, 5);
    recorder.file().flush();
    gate.reached();
    recorder.append_to(0, 7);
    recorder.append_to(2, 9);
    recorder.file().flush();
    gate.reached();
    recorder.file().close();
  }};
  writer.wait();
  mth5::Reader reader{path_};
  EXPECT_THAT(reader.newest_runs(), ElementsAre(2U));
  writer.step();
  EXPECT_TRUE(reader.refresh());
  EXPECT_EQ(reader.runs()[0].n_samples, 15);
  EXPECT_THAT(reader.newest_runs(), ElementsAre(0U, 2U));
  writer.step();
  EXPECT_TRUE(reader.refresh());
  EXPECT_FALSE(reader.refresh());
  EXPECT_EQ(reader.runs()[0].n_samples, 22);
  EXPECT_EQ(reader.runs()[1].n_samples, 0);
  EXPECT_EQ(reader.runs()[2].n_samples, 9);
  EXPECT_THAT(reader.read(2, 21, 5), ElementsAre(sample_at(2, 0, 21)));
  EXPECT_EQ(writer.finish(), 0);
  reader.refresh();
  EXPECT_EQ(reader.runs()[0].n_samples, 22);
  EXPECT_THAT(reader.newest_runs(), ElementsAre(2U));
}

TEST_F(LiveReader, ReopenedAfterAnEditTouchesOnlyTheNewestRun) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    for (int run = 1; run < 8; ++run) {
      recorder.append(10);
      recorder.new_run(std::chrono::hours{run});
    }
    recorder.file().sync();
    gate.reached();
    recorder.append(3);
    recorder.new_run(std::chrono::hours{8});
    recorder.append(2);
    recorder.file().flush();
    gate.reached();
  }};
  writer.wait();
  std::vector<std::string> visited;
  mth5::Reader reader{path_, {.visiting = [&](const std::string& object) { visited.push_back(object); }}};
  ASSERT_EQ(reader.runs().size(), 8U);
  writer.step();
  visited.clear();
  EXPECT_TRUE(reader.refresh());
  ASSERT_EQ(reader.runs().size(), 9U);
  EXPECT_EQ(reader.runs()[7].n_samples, 3) << "grew before it ended";
  EXPECT_EQ(reader.runs()[8].n_samples, 2);
  for (const auto& object : visited) EXPECT_THAT(object, testing::Not(testing::MatchesRegex(".*/S1/r[0-7].*")));
  EXPECT_THAT(reader.warnings(), testing::IsEmpty());
  std::vector<std::int64_t> from;
  EXPECT_EQ(wrong_samples(reader, from), 0);
}

TEST_F(LiveReader, ReadsWhatItHasNotTouchedYetAfterTheStructureHasChanged) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(10);
    recorder.new_run(std::chrono::hours{1});
    recorder.append(20);
    recorder.file().sync();
    gate.reached();
    for (int run = 2; run < 40; ++run) recorder.new_run(std::chrono::hours{run});
    recorder.append(4);
    recorder.file().sync();
    gate.reached();
  }};
  writer.wait();
  mth5::Reader reader{path_};
  writer.step();
  EXPECT_THAT(reader.read(0, 9, 1), ElementsAre(sample_at(0, 0, 9)));
  EXPECT_THAT(reader.read(4, 19, 5), ElementsAre(sample_at(1, 1, 19)));
  EXPECT_EQ(reader.run_metadata(1).text("time_period.end"), "2026-05-01T01:00:00.190+00:00");
  EXPECT_EQ(reader.channel_metadata(4).text("component"), "ey");
  EXPECT_EQ(reader.runs().size(), 2U) << "changed without refresh";
  EXPECT_TRUE(reader.refresh());
  EXPECT_EQ(reader.runs().size(), 40U);
  std::vector<std::int64_t> from;
  EXPECT_EQ(wrong_samples(reader, from), 0);
}

TEST_F(LiveReader, TellsADeadWriterAndReadsWhatItFlushed) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(70);
    recorder.file().flush();
    gate.reached();
  }};
  writer.wait();
  mth5::Reader kept{path_};
  EXPECT_EQ(kept.state(), FileState::Live);
  writer.kill_now();
  EXPECT_EQ(kept.state(), FileState::WriterDied);
  EXPECT_FALSE(kept.refresh());
  const mth5::Reader late{path_};
  EXPECT_EQ(late.state(), FileState::WriterDied);
  std::vector<std::int64_t> from;
  EXPECT_EQ(wrong_samples(late, from), 0);
  EXPECT_EQ(late.runs()[0].n_samples, 70);
}

TEST_F(LiveReader, AWriterThatDiedInAnEditLeavesWhatWasThereBefore) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.append(70);
    recorder.file().flush();
    gate.reached();
    recorder.append(30);
    recorder.file().edit([&](mth5::Edit&) { gate.reached(); });
  }};
  writer.wait();
  const mth5::Reader kept{path_};
  writer.step();
  EXPECT_EQ(kept.state(), FileState::Live);
  writer.kill_now();
  EXPECT_EQ(kept.state(), FileState::WriterDied);
  EXPECT_THAT(kept.read(0, 0, 1), ElementsAre(sample_at(0, 0, 0)));
  const mth5::Reader late{path_};
  EXPECT_EQ(late.runs().at(0).n_samples, 70);
}

TEST_F(LiveReader, SeesNothingOfAnEditBeforeItsEnd) {
  Stages writer{[&](Stages::Gate& gate) {
    TestWriter recorder{path_};
    recorder.file().edit([&](mth5::Edit& edit) {
      mth5::Metadata survey{mth5::Kind::Survey};
      survey.set("id", std::string{"OTHER"});
      edit.add_survey(survey);
      gate.reached();
    });
    gate.reached();
  }};
  writer.wait();
  mth5::Reader reader{path_};
  EXPECT_EQ(reader.surveys().size(), 1U);
  EXPECT_FALSE(reader.refresh());
  writer.step();
  EXPECT_TRUE(reader.refresh());
  EXPECT_EQ(reader.surveys().size(), 2U);
}

}  // namespace
