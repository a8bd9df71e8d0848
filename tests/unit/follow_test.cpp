#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <fstream>

#include "acquisition/source/source.hpp"
#include "support/support.hpp"

/// Files that grow, and their listener, step by step.
namespace {

using testing::ElementsAre;

TEST(GrowingDirectory, LosesNothingThatIsAddedWhileTheNextFileIsLookedFor) {
  const support::TempDir dir;
  const auto append = [&](const char* name, const char* text) { std::ofstream{dir / name, std::ios::app} << text; };
  daq::config::Source config;
  config.input = daq::config::ReplayFile{.path = {}, .follow = true, .directory = dir.path(), .date = {}, .next_after = {}};
  std::vector<std::string> pieces{""};  // each without an end in it
  daq::source::Listener listener;
  listener.bytes = [&](const daq::decode::Chunk& chunk) {
    pieces.back().append(chunk.bytes.data(), chunk.bytes.size());
    if (chunk.datagram) pieces.emplace_back();
  };
  listener.connected = [] {};
  listener.disconnected = [](const std::string& reason, bool) { ADD_FAILURE() << reason; };
  listener.ended = [] {};
  listener.has_room = [](std::size_t) { return true; };
  bool told = false;
  listener.told = [&](const std::string&) {  // of a.TXT: it comes too late, and the directory has just been read
    if (!std::exchange(told, true)) append("b.TXT", "last line\n");
  };
  append("b.TXT", "first line\n");
  boost::asio::io_context io;
  const auto source = daq::source::make_source(io, config, false, std::move(listener));
  const auto until_newest_is = [&](const std::string& text) {
    return support::eventually([&] {
      io.restart();
      io.poll();
      return pieces.back() == text;
    });
  };
  source->start();
  ASSERT_TRUE(until_newest_is("first line\n"));
  append("c.TXT", "next file\n");
  append("a.TXT", "too late\n");
  ASSERT_TRUE(until_newest_is("next file\n"));
  EXPECT_TRUE(told);
  EXPECT_THAT(pieces, ElementsAre("first line\nlast line\n", "next file\n"));
}

}  // namespace
