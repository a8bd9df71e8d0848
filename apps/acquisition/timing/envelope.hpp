#pragma once

#include <cstddef>
#include <deque>
#include <vector>

/// The line below arrival times. Pure.
namespace daq::timing {

/// Points whose y is a line plus a delay that is never negative (host time: when frames arrive against when they were taken). The
/// line is the edge of the points' lower convex hull below their middle: the one that lies below all of them and least far, which
/// is the most likely one for delays that are mostly short. How well it is known shows in how far above it the lowest points of
/// short stretches lie, which holds for delays that hang together too (a queue). Bounded: at most kBlocks hulls of about
/// kMaxPoints points, older ones go.
class LowerEnvelope {
 public:
  struct Line {
    double y = 0;  ///< at the x of the last point
    double slope = 0;
    double y_sigma = 0;  ///< one standard deviation, about; a delay that all points have is not in it
    double slope_sigma = 0;
  };

  /// @param window       in units of x: points further back are forgotten
  /// @param slope_sigma  what is known of the slope without any points: 0 +- this; nothing, where the points contradict it
  /// plainly
  LowerEnvelope(double window, double slope_sigma)
      : most_width_{window / kBlocks}, block_width_{most_width_ / 32}, prior_sigma_{slope_sigma} {}

  /// x must not fall from call to call.
  void add(double x, double y);
  [[nodiscard]] const Line& line() const { return line_; }
  [[nodiscard]] double mean_excess() const { return mean_excess_; }  ///< of y over the line, lately
  [[nodiscard]] std::size_t n() const { return n_; }
  /// Forgets the points, keeps the slope.
  void restart();

 private:
  static constexpr std::size_t kBlocks = 60;
  static constexpr std::size_t kMaxPoints = 64;
  struct Point {
    double x, y;
  };
  struct Block {
    std::vector<Point> hull;  ///< lower, x rising
    double first_x = 0;
    double sum_x = 0;  ///< of all points, from first_x
    double n = 0;
  };
  void fit();
  void join_blocks();
  /// Mean distance of the blocks' lowest points from a line that touches two of them. @param y, slope  of it, at last_x_
  [[nodiscard]] double mean_low(double y, double slope) const;

  double most_width_;
  double block_width_;  ///< at first a small part of that, so that there soon are some
  double prior_sigma_;
  double prior_slope_ = 0;
  std::deque<Block> blocks_;
  std::vector<Point> hull_;  ///< of all blocks; reused
  Line line_;
  double last_x_ = 0;
  double mean_excess_ = 0;
  double next_fit_ = 0;
  std::size_t n_ = 0;
};

}  // namespace daq::timing
