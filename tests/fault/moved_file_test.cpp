#include <gmock/gmock.h>

#include <filesystem>

#include "mth5/reader.hpp"
#include "support/healthy.hpp"
#include "support/numbered.hpp"
#include "support/peers.hpp"

/// What is done to the live file, and to its neighbours, behind the recorder's back.
namespace {

namespace fs = std::filesystem;
using support::numbered_lines;
using support::Recording;
using support::TcpPeer;
using testing::HasSubstr;
using testing::SizeIs;

class MovedFile : public testing::Test {
 protected:
  MovedFile() : recording_{Recording::tcp(peer_.port()), {.config = kConfig, .directory = dir_.path()}} {
    EXPECT_TRUE(peer_.accept()) << recording_.log();
  }

  /// Lines [first, last), until readers can see them.
  void record(int first, int last) {
    ASSERT_TRUE(peer_.send(numbered_lines(first, last)));
    sent_ += static_cast<std::uint64_t>(last - first);
    ASSERT_TRUE(recording_.wait_until([&](const auto& s) { return s.at("sources").at(0).at("samples").at("received") >= sent_; }))
        << recording_.log();
    ASSERT_TRUE(recording_.wait_until([&](const auto& s) { return s.at("sources").at(0).at("samples").at("buffered") <= 1; }))
        << recording_.log();
  }
  nlohmann::json end() {
    EXPECT_EQ(recording_.stop(), 0) << recording_.log();
    return recording_.status().value();
  }

  static constexpr const char* kConfig = "flush: {samples: 100, interval: 100ms}\nsync: {interval: 200ms}\n";
  support::TempDir dir_;
  TcpPeer peer_;
  Recording recording_;
  std::uint64_t sent_ = 0;
};

TEST_F(MovedFile, DeletedIsCountedAsLostAndANewOneBegins) {
  record(0, 100);
  const auto file = recording_.file();
  fs::remove(file);
  ASSERT_TRUE(recording_.wait_for_log("was deleted while it was recorded")) << recording_.log();
  record(100, 160);
  const auto status = end();
  ASSERT_THAT(recording_.files(), SizeIs(1));
  EXPECT_EQ(support::stored(recording_.files()[0]).seconds, support::seconds(100, 160));
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  const auto& stream = status.at("streams").at(0);
  EXPECT_EQ(stream.at("dropped").at("file-lost"), 100);
  EXPECT_EQ(stream.at("samples").at("durable"), 60);
  const auto gaps = support::stored_gaps(recording_.files()[0]);
  ASSERT_THAT(gaps, SizeIs(1));
  EXPECT_EQ(gaps[0], (support::StoredGap{0, 100, "file-lost"}));
}

TEST_F(MovedFile, ReplacedByItsOwnCopyIsCalledSo) {
  record(0, 100);
  const auto file = recording_.file();
  fs::copy_file(file, dir_.path() / "copy");
  const auto copy = support::read_text(dir_.path() / "copy");
  fs::rename(dir_.path() / "copy", file);
  ASSERT_TRUE(recording_.wait_for_log("was replaced by another file of its name")) << recording_.log();
  EXPECT_THAT(recording_.log(), testing::Not(HasSubstr("was deleted")));
  record(100, 160);
  const auto status = end();
  EXPECT_EQ(support::read_text(file), copy);
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  EXPECT_EQ(status.at("streams").at(0).at("dropped").at("file-lost"), 100);
}

class CutFile : public MovedFile, public testing::WithParamInterface<double> {};

TEST_P(CutFile, IsCountedAsLostAndANewOneBegins) {
  record(0, 100);
  const auto file = recording_.file();
  fs::resize_file(file, static_cast<std::uintmax_t>(GetParam() * static_cast<double>(fs::file_size(file))));
  record(100, 160);
  ASSERT_TRUE(recording_.wait_for_log("was cut short by another program")) << recording_.log();
  const auto left = support::read_text(file);
  record(160, 200);
  const auto status = end();
  EXPECT_EQ(support::read_text(file), left) << "nothing more is written to it";
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  const auto& stream = status.at("streams").at(0);
  const int lost = stream.at("dropped").at("file-lost");
  EXPECT_GE(lost, 100);
  EXPECT_LE(lost, 160);
  std::vector<int> found;
  for (const auto& path : recording_.files())
    if (path != file)
      for (const int second : support::stored(path).seconds) found.push_back(second);
  EXPECT_EQ(found, support::seconds(lost, 200));
}

/// HDF5 has to read again what it knew before the second run was made.
TEST_P(CutFile, WithASecondRunIsCountedAsLostToo) {
  record(0, 100);
  record(200, 260);
  const auto file = recording_.file();
  fs::resize_file(file, static_cast<std::uintmax_t>(GetParam() * static_cast<double>(fs::file_size(file))));
  ASSERT_TRUE(peer_.send(numbered_lines(260, 320)));
  ASSERT_TRUE(recording_.wait_for_log("was cut short by another program")) << recording_.log();
  const auto status = end();
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  const int lost = status.at("streams").at(0).at("dropped").at("file-lost");
  EXPECT_GE(lost, 160);
  std::vector<int> found;
  for (const auto& path : recording_.files())
    if (path != file)
      for (const int second : support::stored(path).seconds) found.push_back(second);
  EXPECT_EQ(found, support::seconds(100 + lost, 320));
}

INSTANTIATE_TEST_SUITE_P(To, CutFile, testing::Values(0.0, 0.5, 0.97));

TEST_F(MovedFile, RenamedIsClosedWhereItIsAndANewOneBegins) {
  record(0, 100);
  const auto file = recording_.file();
  const auto away = dir_.path() / "moved.h5";
  fs::rename(file, away);
  ASSERT_TRUE(recording_.wait_for_log("was renamed or moved")) << recording_.log();
  record(100, 160);
  const auto status = end();
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  EXPECT_THAT(support::counts(status, "dropped"), testing::IsEmpty());
  EXPECT_TRUE(recording_.wait_for_log("info: file closed was=" + file.string() + " renamed=yes\n")) << recording_.log();
  EXPECT_THAT(support::lines_with(recording_.log(), "bytes=[0-9]{12}"), testing::IsEmpty());
  const auto first = support::stored(away);
  EXPECT_EQ(first.state, mth5::FileState::Closed);
  auto all = first.seconds;
  for (const auto& path : recording_.files())
    if (path != away)
      for (const int second : support::stored(path).seconds) all.push_back(second);
  EXPECT_EQ(all, support::seconds(0, 160)) << "both together hold everything once";
}

TEST_F(MovedFile, ARenamedFolderIsLeftInOrderAndMadeAgain) {
  record(0, 100);
  const support::TempDir elsewhere;
  const auto away = elsewhere.path() / "card";
  fs::rename(dir_.path(), away);
  ASSERT_TRUE(recording_.wait_for_log("was renamed or moved")) << recording_.log();
  record(100, 160);
  const auto status = end();
  EXPECT_THAT(recording_.log(), testing::Not(HasSubstr("another recorder may"))) << "there is none";
  EXPECT_TRUE(status.at("ledger").at("balanced").get<bool>()) << status.dump(1);
  EXPECT_THAT(support::counts(status, "dropped"), testing::IsEmpty());
  std::vector<int> all;
  for (const auto& folder : {away, dir_.path()})
    for (const auto& file : support::files_in(folder)) {
      const auto part = support::stored(file);
      EXPECT_EQ(part.state, mth5::FileState::Closed);
      all.insert(all.end(), part.seconds.begin(), part.seconds.end());
    }
  EXPECT_EQ(all, support::seconds(0, 160));
}

TEST_F(MovedFile, FilesThatGuardTheRecordingComeBack) {
  record(0, 50);
  for (const auto& entry : fs::directory_iterator{dir_.path()})
    if (entry.path().filename().string().starts_with(".mth5d-")) fs::remove(entry.path());
  const auto is_there = [&](const std::string& what) { return fs::exists(dir_.path() / (".mth5d-TEST-MT001." + what)); };
  ASSERT_TRUE(recording_.wait_until([&](const auto&) { return is_there("lock") && is_there("reserve"); })) << recording_.log();
  record(50, 100);
  // A second recorder stays refused.
  Recording second{Recording::tcp(peer_.port()), {.config = kConfig, .directory = dir_.path()}};
  EXPECT_EQ(second.process().wait(), 1);
  EXPECT_THAT(second.log(), HasSubstr("is recorded here by mth5d"));
  (void)end();
  EXPECT_EQ(support::stored(recording_.files().at(0)).seconds, support::seconds(0, 100));
}

}  // namespace
