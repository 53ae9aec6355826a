//! The `wise-srnet` command.
use wise_srnet::heads::*;
use wise_srnet::networks::*;
use wise_srnet::training::model::*;
fn main() {
    let b = BackboneType::<7, 1664>::of::<DenseNet169, 224>();
    let mut m = b.with_head::<WiseSrNet<1664, 2, 3>>(0, 6).unwrap();
    let layers = m.layers().unwrap();
    let mut p = 0;
    m.for_each(&mut |v| {
        if let wise_srnet::layers::Visited::Tensor(t) = v {
            if t.name.starts_with("backbone") {
                p += t.values.len();
            }
        }
    });
    println!(
        "{} layers, {} params, {} MACs",
        layers.backbone.len(),
        p,
        layers.backbone.iter().map(|l| l.multiply_adds).sum::<u64>()
    );
    for l in &layers.head {
        println!("{l:?}");
    }
    let n = 8;
    let x: Vec<f32> = (0..n * 224 * 224 * 3)
        .map(|i| ((i * 7919) % 255) as f32 - 128.0)
        .collect();
    let y: Vec<usize> = (0..n).map(|i| i % 6).collect();
    for _ in 0..4 {
        let t = std::time::Instant::now();
        let s = m.train(x.clone(), &y).unwrap();
        println!("loss {} {:?}", s.loss, t.elapsed());
    }
}
